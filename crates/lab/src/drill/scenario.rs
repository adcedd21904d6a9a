//! The drills by name: what each does, and what must happen.

use crate::report::Subject;

/// A drill that can be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// The primary hangs for less than the hold-down.
    Blip,
    /// The replica is too far behind when the primary dies.
    ReplicaLagging,
    /// The replica is silent when the primary dies, and comes back.
    RefusedThenFit,
    /// RDS backs the replica up when the primary dies.
    ReplicaBackingUp,
    /// The primary's standby in another zone takes over.
    StandbyTakesOver,
    /// The primary is moved to a machine of another class.
    ClassChanged,
    /// SIGKILL of the primary.
    PrimaryKilled,
    /// Every process of the primary's host is stopped.
    HostLost,
    /// Every host and endpoint of the primary's Region is silent.
    RegionLost,
    /// The primary's host is cut off from everyone but one client.
    Partition,
    /// The recovery Region and the replication cannot reach the primary.
    CutOff,
    /// No Region can reach the primary, its log still flows.
    ReplicaStillStreaming,
    /// The witness Region does not answer.
    WitnessSilent,
    /// The primary hangs again and again, each time about as long as it takes to be noticed.
    Flapping,
    /// Several triggers at once.
    Twice,
    /// Another failover before replication is back.
    SecondFailover,
    /// The run that holds the lease is stopped half way, twice.
    OrchestratorDied,
    /// What a stopped run would have done arrives late.
    StaleWriter,
    /// Somebody moved the record.
    WrongRecord,
    /// The plan asks a person.
    Approval,
    /// The promoted side takes no write.
    PromotedRefusesWrites,
    /// The promotion's answer is lost.
    AnswerLost,
    /// AWS answers throttling and 500 to the first calls of each kind.
    ApiThrottled,
    /// Route 53 refuses every edit.
    DnsRefused,
    /// A planned switchover of a primary that works.
    Switchover,
    /// A backup is taken, copied and proved.
    RestoreTest,
    /// Rows that were deleted by mistake are restored.
    PointInTime,
    /// Rows are deleted by mistake, then the primary's Region is lost.
    MistakeAndRegionLost,
    /// A backup's files are damaged.
    CorruptBackup,
    /// The account may have no more snapshots.
    QuotaFull,
    /// One Region takes no copy.
    PartialFailure,
    /// A copy breaks off half way.
    CopyInterrupted,
    /// The primaries of three plans die at once, one plan with two pairs and one with its Regions crossed.
    TwoPlans,
    /// The application on the primary's side stops, its database lives.
    ApplicationDown,
    /// The way to the primary's Region is slow and loses packets.
    SlowNetwork,
}

impl Scenario {
    /// Those that move traffic, or must not. The order is the one in which they share a lab best.
    pub const FAILOVERS: [Self; 26] = [
        Self::Blip,
        Self::StandbyTakesOver,
        Self::ClassChanged,
        Self::ReplicaLagging,
        Self::RefusedThenFit,
        Self::ReplicaBackingUp,
        Self::PrimaryKilled,
        Self::HostLost,
        Self::RegionLost,
        Self::MistakeAndRegionLost,
        Self::Partition,
        Self::CutOff,
        Self::ReplicaStillStreaming,
        Self::WitnessSilent,
        Self::Flapping,
        Self::Twice,
        Self::SecondFailover,
        Self::OrchestratorDied,
        Self::StaleWriter,
        Self::WrongRecord,
        Self::Approval,
        Self::PromotedRefusesWrites,
        Self::AnswerLost,
        Self::ApiThrottled,
        Self::DnsRefused,
        Self::Switchover,
    ];

    /// Those of backups.
    pub const BACKUPS: [Self; 6] = [
        Self::RestoreTest,
        Self::PointInTime,
        Self::CorruptBackup,
        Self::QuotaFull,
        Self::PartialFailure,
        Self::CopyInterrupted,
    ];

    /// Those of several plans on one lab.
    pub const OF_SEVERAL_PLANS: [Self; 1] = [Self::TwoPlans];

    /// Those of a Region that is not healthy while its database answers.
    pub const OF_HEALTH: [Self; 2] = [Self::ApplicationDown, Self::SlowNetwork];

    /// Every one.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::FAILOVERS.into_iter().chain(Self::OF_HEALTH).chain(Self::OF_SEVERAL_PLANS).chain(Self::BACKUPS)
    }

    /// Whether the health of Regions is looked at, by a plan beside the lab's own.
    #[must_use]
    pub fn looks_at_health(self) -> bool {
        Self::OF_HEALTH.contains(&self)
    }

    /// Whether other plans are on the same lab.
    #[must_use]
    pub fn has_neighbours(self) -> bool {
        Self::OF_SEVERAL_PLANS.contains(&self)
    }

    /// What it rehearses.
    #[must_use]
    pub fn subject(self) -> Subject {
        if Self::BACKUPS.contains(&self) { Subject::Backups } else { Subject::Failover }
    }

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.told().0
    }

    /// What is done and what must happen.
    #[must_use]
    pub fn story(self) -> &'static str {
        self.told().1
    }

    /// Whether it leaves the pair as it found it.
    #[must_use]
    pub fn leaves_all_as_it_was(self) -> bool {
        self == Self::Blip || self.looks_at_health() || self.subject() == Subject::Backups
    }

    fn told(self) -> (&'static str, &'static str) {
        match self {
            Self::Blip => (
                "blip",
                "The primary hangs for less than the hold-down. Nothing may be failed over, and the record must say why not.",
            ),
            Self::ReplicaLagging => (
                "replica-lagging",
                "The replica is held back beyond the budget, then the primary is killed. It must be refused and a person called; a run with a named consent must go through and record the loss.",
            ),
            Self::RefusedThenFit => (
                "refused-then-fit",
                "The primary is killed, and its replica is silent until the alarm's run was refused. Once it answers, a run that nobody ordered must fail over, and the notice of the refusal must have said so.",
            ),
            Self::ReplicaBackingUp => (
                "replica-backing-up",
                "RDS backs the replica up, and does not promote it meanwhile; then the primary is killed. The failover must wait before it shuts anything, and go through by itself once the backup is done.",
            ),
            Self::StandbyTakesOver => (
                "standby-takes-over",
                "The primary's standby in another zone takes over, as for maintenance: nobody is served for what is one or two minutes on AWS. Nothing may be failed over, and the clients must come back by themselves.",
            ),
            Self::ClassChanged => (
                "class-changed",
                "The primary is moved to a machine of another class: RDS shows it as modifying, then as configuring, and nobody is served meanwhile. The alarm's run must refuse for this reason or because the primary is back; nothing may be promoted, and the clients must come back by themselves.",
            ),
            Self::PrimaryKilled => (
                "primary-killed",
                "The primary is killed with SIGKILL. It must be failed over by itself, within the objectives; started again, the old primary must refuse every write.",
            ),
            Self::HostLost => (
                "host-lost",
                "Every process of the primary's host is stopped, without a reset or an answer, and goes on after the failover. It must be failed over by itself, and the host fenced within 2 s of its return.",
            ),
            Self::RegionLost => (
                "region-lost",
                "Every host of the primary's Region is stopped, and AWS's own endpoints there do not answer. It must be failed over by itself as a failure of the Region, though nothing there can be asked or shut; once the Region is back, the old primary must be shut within 10 s.",
            ),
            Self::Partition => (
                "partition",
                "The primary's host is cut off from everyone but one client, which goes on. It must be failed over by itself; once the links are healed, that client's session must be ended within 2 s, and what it wrote be listed.",
            ),
            Self::CutOff => (
                "cut-off",
                "The recovery Region and the replication no longer reach the primary, the witness and the clients do. It must be refused: it is the recovery Region that is cut off.",
            ),
            Self::ReplicaStillStreaming => (
                "replica-still-streaming",
                "No Region reaches the primary's endpoint, but its log still flows to the replica. It must be refused: the primary lives.",
            ),
            Self::WitnessSilent => (
                "witness-silent",
                "The witness Region does not answer. Silence is not a death: the class must be unknown, a person be asked, and the record say which signal was missing. Denied, nothing may be changed.",
            ),
            Self::Flapping => (
                "flapping",
                "The primary hangs five times, each time about as long as it takes to be noticed. It may be failed over once at most, and every time must be on record.",
            ),
            Self::Twice => (
                "twice",
                "Two people order a failover at the same moment, and the alarm starts another one. One run must hold the lease and go through; the others must be refused and name it.",
            ),
            Self::SecondFailover => (
                "second-failover",
                "After a failover the new primary dies too, before replication was restored. Another failover must be refused, and say what is missing and how to restore it.",
            ),
            Self::OrchestratorDied => (
                "orchestrator-died",
                "The run is stopped half way, before its point of no return; the next one is stopped after it, and the one that finishes it as well. The fourth must take over and finish, with nothing done twice and a person told of each that was stopped.",
            ),
            Self::StaleWriter => (
                "stale-writer",
                "A run is stopped before it moves traffic, a newer one finishes, and then the older one's steps and its write arrive. All must fail, and traffic must stay.",
            ),
            Self::WrongRecord => (
                "wrong-record",
                "Somebody lets the name lead elsewhere, then the primary is killed. It must be refused before anything is changed, and a person called.",
            ),
            Self::Approval => (
                "approval",
                "The plan asks a person before it fails over. Denied, it must be refused; unanswered, too; approved, it must go through. Who, when and why must be on record.",
            ),
            Self::PromotedRefusesWrites => (
                "promoted-refuses-writes",
                "The replica refuses writes once it is promoted, as with a full disk. Traffic must not be moved and a person must be called within a minute; once it is mended, a person's run must finish.",
            ),
            Self::AnswerLost => (
                "answer-lost",
                "The promotion is carried out, and its answer is lost. The step must look again and go on, with one promotion.",
            ),
            Self::ApiThrottled => (
                "api-throttled",
                "RDS, S3 and CloudWatch throttle the first call of each kind, Route 53 and Lambda answer 500 to it. It must be failed over all the same, within the objectives.",
            ),
            Self::DnsRefused => (
                "dns-refused",
                "Route 53 refuses every edit. Past the promotion it must not go back: a person must be told what is true and the one command that finishes it, and that command must finish it once the edits are allowed.",
            ),
            Self::Switchover => (
                "switchover",
                "Both sides work, and a switchover is ordered. The old primary must prove its log's end and refuse every write from then on; no row may be lost, and the client may wait 1.5 s at most.",
            ),
            Self::TwoPlans => (
                "two-plans",
                "Beside the lab's plan there is one with the same Regions, which has two pairs, and one with its Regions crossed, and all four primaries are killed within a second. Each pair must be failed over by its own alarm within its objectives, and no pair's runs, evidence, alarms, lease or notices may be another's.",
            ),
            Self::ApplicationDown => (
                "application-down",
                "The application's server on the primary's side stops, its database goes on. People must be told that the Region points to its application; nothing may be failed over, also not by an order that names it, and the database's clients must not notice.",
            ),
            Self::SlowNetwork => (
                "slow-network",
                "Packets from the recovery Region to the primary's take 600 ms there and back, and one in fifty is lost. People must be told that it points to the network; nothing may be failed over, a run that is ordered meanwhile, or that lost packets start, must be refused without changing anything, and the clients must not notice.",
            ),
            Self::RestoreTest => (
                "restore-test",
                "A backup is taken, copied to the other Region, restored there into isolation, queried and torn down. It must be tagged as verified, nothing may be left, no write of the client may fail, and the engine may add 5 s at most to PostgreSQL's own work.",
            ),
            Self::PointInTime => (
                "point-in-time",
                "Rows are deleted by mistake. An instance of the second before must have every one of them, as it was; the primary must not notice.",
            ),
            Self::MistakeAndRegionLost => (
                "mistake-and-region-lost",
                "Rows are deleted by mistake, and the replica deletes them too; then the primary's Region falls silent. While it is gone, the recovery Region must restore the second before the mistake from the automated backups that were replicated to it, with every row as it was; and the newest time that it has, of which what is lost is measured.",
            ),
            Self::CorruptBackup => (
                "corrupt-backup",
                "The newest backup is damaged where it lies; RDS calls it available. The restore test must find it and name it, the older verified one must stay verified, and a cleanup must delete neither that one nor what the floor keeps.",
            ),
            Self::QuotaFull => (
                "quota-full",
                "The account may have no more snapshots. The backup must say so before it asks for anything, and a person be told; with the quota raised, the same backup must be completed.",
            ),
            Self::PartialFailure => (
                "partial-failure",
                "One Region refuses the copy. The backup must end as partial, say what is missing and keep what there is; a second run must complete it without taking anything anew.",
            ),
            Self::CopyInterrupted => (
                "copy-interrupted",
                "The copy breaks off half way. The backup must end as partial and never take the failed copy for one; the next one must be whole, and once a cleanup has taken the failed copy away, the same backup must be completed.",
            ),
        }
    }
}

impl std::str::FromStr for Scenario {
    type Err = UnknownScenario;

    fn from_str(name: &str) -> Result<Self, UnknownScenario> {
        Self::all()
            .find(|scenario| scenario.name() == name)
            .ok_or_else(|| UnknownScenario { name: name.chars().take(64).collect() })
    }
}

/// A name that no scenario has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scenario `{name}`: `lifeboat lab drill --list` names them")]
pub struct UnknownScenario {
    name: String,
}
