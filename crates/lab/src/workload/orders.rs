//! The database that is rehearsed with: orders of a shop.

use domain::words::id::SqlName;
use tokio_postgres::{Client, types::Type};

use super::access::Password;

/// One row, one commit.
pub(super) const INSERT: &str = "insert into orders (id, customer, cents) values ($1, 'drill', 100)";

/// The most rows that can be read back: more than the client can write.
const MOST_ROWS: i64 = 2_000_000;

/// Why the orders could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    /// PostgreSQL's answer.
    #[error("cannot {doing}")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// PostgreSQL's answer.
        #[source]
        source: tokio_postgres::Error,
    },
    /// More rows than anybody has written.
    #[error("there are more than {MOST_ROWS} rows to read back; begin with a database that the drill has made")]
    TooMany,
}

/// Makes the table of orders, the role by which the application writes, and `rows` orders with the ids `1..=rows`.
/// Safe to repeat: what is there stays, the password is set again.
///
/// `owner` is a session of the database's owner, who may create roles.
///
/// # Errors
/// What PostgreSQL says.
pub async fn create(owner: &Client, role: &SqlName, password: &Password, rows: u32) -> Result<(), OrdersError> {
    let run = async |doing: &'static str, sql: &str| {
        owner.batch_execute(sql).await.map_err(|source| OrdersError::Database { doing, source })
    };
    run("make the table of orders", TABLE).await?;
    let role_sql = format!("create role {role} login password {}", literal(password.expose()));
    let known = owner.query_opt("select from pg_roles where rolname = $1", &[&role.as_str()]).await;
    let known = known.map_err(|source| OrdersError::Database { doing: "look for the application's role", source })?;
    let role_sql = if known.is_some() { role_sql.replacen("create", "alter", 1) } else { role_sql };
    run("make the application's role", &role_sql).await?;
    run("let the application write", &format!("grant select, insert, update on orders to {role}")).await?;
    let load = "insert into orders (id, customer, cents)
                select n, 'customer ' || n % 997, 100 + n * 7 % 9900 from generate_series(1, $1::int8) n
                on conflict do nothing";
    owner
        .query_typed(load, &[(&i64::from(rows), Type::INT8)])
        .await
        .map_err(|source| OrdersError::Database { doing: "load the orders", source })?;
    run("gather statistics of the orders", "analyze orders").await
}

/// Adds what a plan's own checks ask for beside the orders.
///
/// # Errors
/// What PostgreSQL says.
pub async fn add(owner: &Client, data: &str) -> Result<(), OrdersError> {
    owner
        .batch_execute(data)
        .await
        .map_err(|source| OrdersError::Database { doing: "carry out the SQL of --data", source })
}

const TABLE: &str = "create table if not exists orders (
    id bigint primary key,
    customer text not null,
    cents bigint not null,
    placed_at timestamptz not null default clock_timestamp()
)";

/// The ids that a server has, from `first` on, in order.
///
/// # Errors
/// What PostgreSQL says, or more rows than a drill writes.
pub async fn read_back(client: &Client, first: i64) -> Result<Vec<i64>, OrdersError> {
    let rows = client
        .query_typed(
            "select id from orders where id >= $1 order by id limit $2",
            &[(&first, Type::INT8), (&(MOST_ROWS + 1), Type::INT8)],
        )
        .await
        .map_err(|source| OrdersError::Database { doing: "read the orders back", source })?;
    let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    if i64::try_from(ids.len()).is_ok_and(|count| count <= MOST_ROWS) { Ok(ids) } else { Err(OrdersError::TooMany) }
}

/// What some orders come to, taken together: another row, or a row that is not the same, gives another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// How many of them there are.
    pub count: u64,
    /// MD5 over all that they hold, in the order of their ids.
    pub md5: String,
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows, md5 {}", self.count, self.md5)
    }
}

/// Those of the orders `ids` that a server has.
///
/// # Errors
/// What PostgreSQL says.
pub async fn fingerprint(client: &Client, ids: &[i64]) -> Result<Fingerprint, OrdersError> {
    let query = "select count(*), md5(coalesce(string_agg(
                     concat_ws('|', id, customer, cents, extract(epoch from placed_at)), E'\\n' order by id), ''))
                 from orders where id = any($1)";
    let failed = |source| OrdersError::Database { doing: "compare the orders", source };
    let rows = client.query_typed(query, &[(&ids, Type::INT8_ARRAY)]).await.map_err(failed)?;
    let row = rows.first().ok_or(OrdersError::TooMany)?;
    let count: i64 = row.try_get(0).map_err(failed)?;
    Ok(Fingerprint { count: u64::try_from(count).unwrap_or_default(), md5: row.try_get(1).map_err(failed)? })
}

/// Deletes the orders `ids`, and says how many there were.
///
/// # Errors
/// What PostgreSQL says.
pub async fn delete(client: &Client, ids: &[i64]) -> Result<u64, OrdersError> {
    let deleted = client.execute("delete from orders where id = any($1)", &[&ids]).await;
    deleted.map_err(|source| OrdersError::Database { doing: "delete the orders", source })
}

/// Copies the orders `ids` from one server to another, all or none.
///
/// # Errors
/// What PostgreSQL says, as where one of them is there already.
pub async fn copy(from: &Client, to: &Client, ids: &[i64]) -> Result<(), OrdersError> {
    let failed = |source| OrdersError::Database { doing: "copy the orders", source };
    let read = "select coalesce(json_agg(found), '[]')::text from orders found where id = any($1)";
    let rows: String = from.query_one(read, &[&ids]).await.and_then(|row| row.try_get(0)).map_err(failed)?;
    let write = "insert into orders select * from json_populate_recordset(null::orders, $1::text::json)";
    to.execute(write, &[&rows]).await.map(drop).map_err(failed)
}

/// A text as a literal of SQL, whatever it holds.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_cannot_leave_its_quotes() {
        assert_eq!(literal(r"a'b\'; drop table orders; --"), r"E'a''b\\''; drop table orders; --'");
    }
}
