//! Who gave an order: proved by AWS, not said.
//!
//! Step Functions does not tell a run who started it. So whoever orders signs a question to STS, who they are, and puts the
//! signature into the order; the engine sends that question, and STS names the signer. Vault and aws-iam-authenticator prove a
//! caller the same way. What is ordered is signed with it, so that the proof is good for no other order; and only for minutes.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    plan::Plan,
    words::{
        digest,
        id::{CallerArn, ExecutionArn, PlanName},
        time_span::TimeSpan,
    },
};

/// How long a proof is good for: from the command until the first step of the run has asked, with its retries.
pub const GOOD_FOR: TimeSpan = TimeSpan::seconds(300);

/// How far the clock of whoever orders may be ahead of ours.
const AHEAD: TimeSpan = TimeSpan::seconds(60);

/// The header that binds a proof to what is ordered.
pub const HEADER: &str = "x-lifeboat-order";

/// Where an order carries its proof.
pub const KEY: &str = "proof";

/// The largest session token: IAM Identity Center's are a few KB.
const LONGEST_TOKEN: usize = 16 * 1024;

/// What STS is to be asked with: the parts of a signed request that are not the same in each.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, try_from = "Parts")]
pub struct Proof {
    credential: String,
    date: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    signature: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    credential: String,
    date: String,
    token: Option<String>,
    signature: String,
}

/// Why a text is no proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is no signature of STS's: {0}")]
pub struct BadProof(&'static str);

impl TryFrom<Parts> for Proof {
    type Error = BadProof;

    fn try_from(Parts { credential, date, token, signature }: Parts) -> Result<Self, BadProof> {
        let proof = Self { credential, date, token, signature };
        let [key, day, _, service, end] =
            proof.scope().ok_or(BadProof("credential: expected KEY/DAY/REGION/sts/aws4_request"))?;
        let is_key = (4..=128).contains(&key.len()) && key.chars().all(|c| c.is_ascii_alphanumeric());
        if !is_key || service != "sts" || end != "aws4_request" {
            return Err(BadProof("credential: expected KEY/DAY/REGION/sts/aws4_request"));
        }
        if proof.made_at().is_none() || !proof.date.starts_with(day) {
            return Err(BadProof("date: expected the day of the credential, as 20270131T093000Z"));
        }
        if proof.signature.len() != 64
            || !proof.signature.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c))
        {
            return Err(BadProof("signature: expected 64 hexadecimal digits"));
        }
        let is_token = |token: &String| {
            !token.is_empty() && token.len() <= LONGEST_TOKEN && token.chars().all(|c| c.is_ascii_graphic())
        };
        if !proof.token.as_ref().is_none_or(is_token) {
            return Err(BadProof("token: expected a session token of AWS's"));
        }
        Ok(proof)
    }
}

// What it holds is worth something for some minutes: no log shows it.
impl std::fmt::Debug for Proof {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        to.debug_struct("Proof").field("date", &self.date).finish_non_exhaustive()
    }
}

impl Proof {
    /// A proof of the parts of a request that was signed.
    ///
    /// # Errors
    /// [`BadProof`], with the part.
    pub fn of(credential: String, date: String, token: Option<String>, signature: String) -> Result<Self, BadProof> {
        Parts { credential, date, token, signature }.try_into()
    }

    /// Its parts, by the names that AWS gives them in an address.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parts =
            [("X-Amz-Credential", &self.credential), ("X-Amz-Date", &self.date), ("X-Amz-Signature", &self.signature)];
        let token = self.token.as_ref().map(|token| ("X-Amz-Security-Token", token));
        parts.into_iter().chain(token).map(|(name, value)| (name, value.as_str()))
    }

    /// Whether STS is worth asking: it was signed lately, and for this Region, which is the only one that is asked.
    ///
    /// # Errors
    /// Why not, in a sentence.
    pub fn check(&self, region: &str, now: Timestamp) -> Result<(), String> {
        let [_, _, signed_for, ..] = self.scope().unwrap_or_default();
        if signed_for != region {
            return Err(format!("its proof was signed for STS in {signed_for}, and is asked for in {region}"));
        }
        let made_at = self.made_at().unwrap_or(Timestamp::UNIX_EPOCH);
        if made_at > now && TimeSpan::between(now, made_at) > AHEAD {
            return Err(format!("its proof was made at {made_at}, and it is {now:.0}: set the clock"));
        }
        if TimeSpan::between(made_at, now) > GOOD_FOR {
            return Err(format!("its proof was made at {made_at}, and is good for {GOOD_FOR}"));
        }
        Ok(())
    }

    /// KEY/DAY/REGION/SERVICE/aws4_request.
    fn scope(&self) -> Option<[&str; 5]> {
        self.credential.split('/').collect::<Vec<_>>().try_into().ok()
    }

    fn made_at(&self) -> Option<Timestamp> {
        let at = DateTime::strptime("%Y%m%dT%H%M%SZ", &self.date).ok()?;
        at.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
    }
}

/// What is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordered {
    /// A run, with its state machine.
    Run,
    /// That a run may go on.
    Approval,
}

/// What a proof is bound to: one execution for one plan, and the words of its order, whatever carries them.
#[must_use]
pub fn bound_to(what: Ordered, plan: &PlanName, execution: &ExecutionArn, order: &Value) -> String {
    let what = match what {
        Ordered::Run => "run",
        Ordered::Approval => "approval",
    };
    format!("{what}/{plan}/{execution}/{}", digest::hex(without_proof(order).to_string()))
}

/// An order as it may be kept.
#[must_use]
pub fn without_proof(order: &Value) -> Value {
    let mut order = order.clone();
    if let Some(fields) = order.as_object_mut() {
        fields.remove(KEY);
    }
    order
}

/// What is known of who ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// The order carries no proof.
    Unnamed,
    /// Its proof proves nothing, and why.
    Unproved(String),
    /// STS says who.
    Proved(CallerArn),
}

/// Whether whoever ordered may: who it was, as far as it was proved. `account` is the engine's.
///
/// # Errors
/// Why not, and what to do, in a sentence.
pub fn allow<T>(plan: &Plan<T>, account: &str, caller: Caller) -> Result<Option<CallerArn>, String> {
    let Some(roles) = &plan.failover.may_order else {
        return Ok(match caller {
            Caller::Proved(who) => Some(who),
            Caller::Unnamed | Caller::Unproved(_) => None,
        });
    };
    let listed = roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ");
    let as_one =
        format!("order it with the command `lifeboat`, as one of {listed} (failover.mayOrder of plan `{}`)", plan.plan);
    match caller {
        Caller::Unnamed => Err(format!("who gave this order is not proved, and not everybody may: {as_one}")),
        Caller::Unproved(why) => Err(format!("who gave this order is not proved: {why}. Once more: {as_one}")),
        Caller::Proved(who) if who.account() != account => {
            Err(format!("`{who}` is of another account than this engine, {account}: {as_one}"))
        }
        Caller::Proved(who) if who.role().is_some_and(|role| roles.iter().any(|may| may.as_str() == role)) => {
            Ok(Some(who))
        }
        Caller::Proved(who) => Err(format!("`{who}` may not order this: {as_one}")),
    }
}

/// An order for several pairs that somebody gave who may: what its pairs' runs are held to, which begin when its proof is
/// long void.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingOrder {
    /// The execution that carries the order out: it holds for as long as that one runs.
    pub of: ExecutionArn,
    /// Who gave it.
    pub by: CallerArn,
    /// The one run that it is for: of a failover, and of no other machine that the same words would start.
    pub run: ExecutionArn,
    /// That run's request.
    pub request: Value,
}

impl StandingOrder {
    /// Whether it is for this run, as it was asked for.
    #[must_use]
    pub fn is_for(&self, run: &ExecutionArn, request: &Value) -> bool {
        self.run == *run && self.request == *request
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2027-01-31T09:30:00Z";

    fn proof(change: impl Fn(&mut Value)) -> Result<Proof, serde_json::Error> {
        let mut parts = json!({
            "credential": "ASIAEXAMPLEEXAMPLE00/20270131/us-west-2/sts/aws4_request", "date": "20270131T092900Z",
            "token": "FwoGZXIvYXdzE+/==", "signature": "0a".repeat(32),
        });
        change(&mut parts);
        serde_json::from_value(parts)
    }

    fn who(arn: &str) -> Caller {
        Caller::Proved(arn.parse().unwrap())
    }

    #[test]
    fn a_proof_is_what_a_signature_of_sts_looks_like_and_nothing_else() {
        assert!(proof(|_| ()).is_ok());
        assert!(proof(|parts| parts["token"] = Value::Null).is_ok());
        for (part, value) in [
            ("credential", "ASIAEXAMPLEEXAMPLE00/20270131/us-west-2/s3/aws4_request"),
            ("credential", "ASIAEXAMPLEEXAMPLE00/20270131/us-west-2/sts"),
            ("credential", "AS&A/20270131/us-west-2/sts/aws4_request"),
            ("date", "20270130T092900Z"),
            ("date", "20270131T0929"),
            ("signature", "0a"),
            ("signature", &"0A".repeat(32)),
            ("token", ""),
            ("token", "a b"),
            ("token", "a\nHost: x"),
            ("host", "sts.example.com"),
        ] {
            assert!(proof(|parts| parts[part] = json!(value)).is_err(), "{part}: {value}");
        }
        let shown = format!("{:?}", proof(|_| ()).unwrap());
        assert!(!shown.contains("0a0a") && !shown.contains("FwoG"), "{shown}");
    }

    #[test]
    fn a_proof_is_good_for_minutes_and_for_the_engine_s_region() {
        let made = |at: &str| proof(|parts| parts["date"] = json!(at)).unwrap();
        let now: Timestamp = NOW.parse().unwrap();
        for (at, good) in [
            ("20270131T092500Z", true),
            ("20270131T092459Z", false),
            ("20270131T093000Z", true),
            ("20270131T093100Z", true),
            ("20270131T093101Z", false),
        ] {
            assert_eq!(made(at).check("us-west-2", now).is_ok(), good, "{at}");
        }
        assert!(made("20270131T093000Z").check("us-east-1", now).unwrap_err().contains("signed for STS in us-west-2"));
    }

    #[test]
    fn a_proof_is_bound_to_each_word_of_the_order_but_its_own() {
        let plan: PlanName = "lab".parse().unwrap();
        let other: PlanName = "shop".parse().unwrap();
        let execution = |name: &str| {
            format!("arn:aws:states:us-west-2:000000000000:execution:lifeboat-failover:{name}").parse().unwrap()
        };
        let order = json!({"plan": "lab", "by": "anna", "why": "it burns"});
        let bound = bound_to(Ordered::Run, &plan, &execution("a"), &order);
        let mut carried = order.clone();
        carried[KEY] = json!({"signature": "x"});
        assert_eq!(bound_to(Ordered::Run, &plan, &execution("a"), &carried), bound);
        let mut more = order.clone();
        more["consent"] = json!({"by": "anna", "why": "it burns"});
        for other in [
            bound_to(Ordered::Approval, &plan, &execution("a"), &order),
            bound_to(Ordered::Run, &other, &execution("a"), &order),
            bound_to(Ordered::Run, &plan, &execution("b"), &order),
            bound_to(Ordered::Run, &plan, &execution("a"), &more),
        ] {
            assert_ne!(other, bound);
        }
    }

    #[test]
    fn only_a_role_that_the_plan_names_may_order_and_without_names_everybody_may() {
        let mut plan = crate::plan_file::lab_pair();
        let dba = || who("arn:aws:sts::000000000000:assumed-role/dba/anna");
        assert!(matches!(allow(&plan, "000000000000", dba()), Ok(Some(_))));
        assert_eq!(allow(&plan, "000000000000", Caller::Unnamed), Ok(None));
        assert_eq!(allow(&plan, "000000000000", Caller::Unproved("x".into())), Ok(None));
        plan.failover.may_order = Some(vec!["dba".parse().unwrap(), "on-call".parse().unwrap()]);
        assert!(matches!(allow(&plan, "000000000000", dba()), Ok(Some(_))));
        for (caller, says) in [
            (
                Caller::Unnamed,
                "is not proved, and not everybody may: order it with the command `lifeboat`, as one of `dba`, `on-call`",
            ),
            (Caller::Unproved("its proof is old".into()), "is not proved: its proof is old"),
            (
                who("arn:aws:sts::000000000000:assumed-role/dba2/anna"),
                "`arn:aws:sts::000000000000:assumed-role/dba2/anna` may not",
            ),
            (who("arn:aws:sts::000000000000:assumed-role/other/dba"), "may not order"),
            (who("arn:aws:iam::000000000000:user/dba"), "may not order"),
            (who("arn:aws:iam::000000000000:root"), "may not order"),
            (who("arn:aws:sts::000000000000:federated-user/dba"), "may not order"),
            (
                who("arn:aws:sts::111122223333:assumed-role/dba/anna"),
                "of another account than this engine, 000000000000",
            ),
        ] {
            let why = allow(&plan, "000000000000", caller).unwrap_err();
            assert!(why.contains(says) && why.contains("failover.mayOrder of plan `lab`"), "{why}");
        }
    }
}
