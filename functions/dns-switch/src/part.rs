//! The names of one zone, on their way.

use domain::{
    failover::traffic::{Batch, Left, Seen, Spread},
    plan::MovedName,
    words::{
        failure::Failure,
        id::{HostName, ZoneId},
    },
};

use tracing::warn;

use crate::world::Zone;

/// A zone of the run's names, what is to be done in it, and the change batch, while one is known.
pub(crate) struct Part {
    pub(crate) id: ZoneId,
    pub(crate) names: Vec<MovedName>,
    pub(crate) batch: Batch,
    pub(crate) change: Option<String>,
    /// What is not there yet.
    pub(crate) waits: Option<String>,
    /// Why its names could not be looked at, moved or seen to arrive.
    trouble: Option<String>,
    /// Whether trouble with it is the step's own.
    stops_all: bool,
}

/// What the records of each name are. One after the other: Route 53 takes five requests a second.
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>
pub(crate) async fn look(zone: &impl Zone, id: &ZoneId, names: &[MovedName]) -> Result<Vec<Seen>, Failure> {
    let mut found = Vec::new();
    for name in names {
        found.push(zone.look(id, &name.name).await?);
    }
    Ok(found)
}

/// Stands for a zone whose batch is not known.
const UNKNOWN: &str = "-";

/// The change batch of a zone, by its place, among those of an earlier ask.
pub(crate) fn known(changes: Option<&str>, index: usize) -> Option<String> {
    let change = changes?.split(' ').nth(index)?;
    Some(change.to_owned()).filter(|change| change != UNKNOWN)
}

/// The change batches as the next ask is given them.
pub(crate) fn together(parts: &[Part]) -> Option<String> {
    parts.iter().any(|part| part.change.is_some()).then(|| {
        let changes = parts.iter().map(|part| part.change.as_deref().unwrap_or(UNKNOWN));
        changes.collect::<Vec<_>>().join(" ")
    })
}

impl Part {
    pub(crate) fn new(id: ZoneId, names: Vec<MovedName>, change: Option<String>, stops_all: bool) -> Self {
        Self { id, names, batch: Batch::default(), change, waits: None, trouble: None, stops_all }
    }

    /// What Route 53 or a zone's servers said. Trouble with names of the application is kept and told: the database's clients,
    /// and the checks and the backups of the new primary, do not wait for it. What may pass is asked again.
    pub(crate) fn heard<T>(&mut self, answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
        let failure = match answer {
            Ok(told) => return Ok(Some(told)),
            Err(failure) if self.stops_all => return Err(failure),
            Err(failure) => failure,
        };
        warn!(zone = %self.id, why = failure.chain(), "trouble with names of the application");
        if matches!(failure, Failure::AwsTransient { .. } | Failure::Conflict(_)) {
            self.waits = Some(failure.chain());
        }
        self.trouble = Some(failure.chain());
        Ok(None)
    }

    /// Asks for its batch.
    pub(crate) async fn ask(&mut self, zone: &impl Zone, comment: String) -> Result<(), Failure> {
        let answer = zone.change(&self.id, &self.batch.delete, &self.batch.create, comment).await;
        self.asked(answer)
    }

    /// Writes its records as they are, so that there is a batch that Route 53 can be asked for.
    pub(crate) async fn write_again(&mut self, zone: &impl Zone, comment: String) -> Result<(), Failure> {
        let answer = zone.change(&self.id, &self.batch.kept, &self.batch.kept, comment).await;
        self.asked(answer)
    }

    /// Its batch is known, once it was taken.
    fn asked(&mut self, answer: Result<String, Failure>) -> Result<(), Failure> {
        if let Some(change) = self.heard(answer)? {
            self.change = Some(change);
        }
        Ok(())
    }

    /// The names that are moved, without those that are left where they are.
    pub(crate) fn moved(&self) -> impl Iterator<Item = &MovedName> {
        let names = self.names.iter().filter(|_| self.trouble.is_none());
        names.filter(|name| self.batch.left.iter().all(|(left, _)| *left != name.name))
    }

    /// The names of the application that are left, and why.
    pub(crate) fn left(&self) -> impl Iterator<Item = Left> {
        self.names.iter().filter_map(move |name| {
            let of_it = self.batch.left.iter().find(|(left, _)| *left == name.name);
            let because = of_it.map(|(_, why)| why).or(self.trouble.as_ref())?;
            Some(Left { name: name.name.clone(), because: because.clone() })
        })
    }

    /// How far each of its names is.
    pub(crate) async fn arrived(&mut self, zone: &impl Zone) -> Result<Vec<(HostName, Spread)>, Failure> {
        if self.trouble.is_some() {
            return Ok(Vec::new());
        }
        if let Some(change) = self.change.clone() {
            match self.heard(zone.is_insync(&change).await)? {
                Some(true) => {}
                Some(false) => {
                    self.waits = Some(format!("change {change} is not on every server yet"));
                    return Ok(Vec::new());
                }
                None => return Ok(Vec::new()),
            }
        }
        let spread = self.spread(zone).await;
        Ok(self.heard(spread)?.unwrap_or_default())
    }

    async fn spread(&self, zone: &impl Zone) -> Result<Vec<(HostName, Spread)>, Failure> {
        let moved: Vec<&MovedName> = self.moved().collect();
        let answers = zone.answers(&self.id, &moved).await?;
        let mut spread = Vec::new();
        for (name, answers) in moved.into_iter().zip(answers) {
            let wanted = zone.wanted(&name.recovery).await;
            let how_far = answers.spread(&name.name, &name.recovery, &wanted, self.change.is_some());
            spread.push((name.name.clone(), how_far));
        }
        Ok(spread)
    }
}

/// Whether all names could be moved now and be seen to arrive, or why not.
pub(crate) async fn rehearsed(zone: &impl Zone, parts: &[Part]) -> Result<Result<String, String>, Failure> {
    let (mut could, mut cannot) = (Vec::new(), Vec::new());
    for part in parts {
        cannot.extend(part.batch.left.iter().map(|(_, why)| why.clone()));
        let moved: Vec<&MovedName> = part.moved().collect();
        for (name, answers) in moved.iter().zip(zone.answers(&part.id, &moved).await?) {
            match (answers.rehearsed(&name.name), zone.wanted(&name.recovery).await) {
                (Ok(because), Ok(_)) => could.push(because),
                (Err(why), _) => cannot.push(why),
                (Ok(_), Err(why)) => cannot.push(format!("`{}` would lead to nothing: {why}", name.name)),
            }
        }
    }
    Ok(if cannot.is_empty() { Ok(could.join("; ")) } else { Err(cannot.join("; ")) })
}
