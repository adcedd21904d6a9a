//! A large database to back up: pgbench's table of accounts, as `pgbench -i` fills it.

use tokio_postgres::{Client, types::Type};

use super::orders::OrdersError;

/// A branch's accounts: what pgbench calls a scale of one, about 15 MB with the index.
const BRANCH: i64 = 100_000;

/// The most branches that are added: far beyond any lab's disk.
const MOST_BRANCHES: i64 = 10_000;

const TABLE: &str = "create table if not exists pgbench_accounts (
    aid bigint primary key,
    bid integer,
    abalance integer,
    filler char(84)
)";

/// Adds accounts until the database has this many megabytes. What is there already counts. `told` is called with the
/// size in megabytes after each branch.
///
/// # Errors
/// What PostgreSQL says.
pub async fn fill(owner: &Client, megabytes: u64, told: &dyn Fn(u64)) -> Result<(), OrdersError> {
    let failed = |doing: &'static str| move |source| OrdersError::Database { doing, source };
    owner.batch_execute(TABLE).await.map_err(failed("make the table of accounts"))?;
    let mut next = number(owner, "select coalesce(max(aid), 0) + 1 from pgbench_accounts").await?;
    for _ in 0..MOST_BRANCHES {
        let bytes = number(owner, "select pg_database_size(current_database())").await?;
        let there = u64::try_from(bytes).unwrap_or_default() / 1_000_000;
        told(there);
        if there >= megabytes {
            break;
        }
        let add = "insert into pgbench_accounts
                   select n, 1 + n / 100000, 0, '' from generate_series($1::int8, $1 + $2::int8 - 1) n";
        let added = owner.query_typed(add, &[(&next, Type::INT8), (&BRANCH, Type::INT8)]).await;
        added.map_err(failed("add accounts"))?;
        next += BRANCH;
    }
    owner.batch_execute("analyze pgbench_accounts").await.map_err(failed("gather statistics of the accounts"))
}

async fn number(owner: &Client, query: &str) -> Result<i64, OrdersError> {
    let doing = "look at the accounts";
    let row = owner.query_one(query, &[]).await.map_err(|source| OrdersError::Database { doing, source })?;
    row.try_get(0).map_err(|source| OrdersError::Database { doing, source })
}
