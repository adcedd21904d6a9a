//! How AWS behaves in a lab: as fast as this machine, or as awkward as AWS.
//!
//! What takes AWS minutes takes seconds here, by one scale; the network's latency is not scaled. Each manner names its
//! source.

mod scale;

use std::{fmt, time::Duration};

use rds_on_postgres::{PromotionTiming, Timing};

use crate::network::LinkQuality;

pub use scale::{BadScale, Scale};

/// How the lab's AWS behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Manners {
    /// As fast as this computer, and every answer is up to date.
    #[default]
    Instant,
    /// As AWS behaves, but faster by this scale.
    Aws(Scale),
}

impl fmt::Display for Manners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant => f.write_str("instant"),
            Self::Aws(Scale(scale)) => write!(f, "aws, a minute in {:.1} s", scale * 60.0),
        }
    }
}

/// How long a change is not shown yet by what describes the instance: it says `available` meanwhile.
/// <https://github.com/boto/boto3/issues/609>
const STATUS_LAG: Duration = Duration::from_secs(10);

/// How long new security groups are `adding`, and the old ones `removing`.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_VpcSecurityGroupMembership.html>
const GROUPS_APPLY: Duration = Duration::from_secs(30);

/// How long a replica is `modifying` before its server is restarted for the promotion, "several minutes" in all.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.Promote.html>
const PROMOTION_BEGINS: Duration = Duration::from_secs(45);

/// How long it is `rebooting` at least.
const PROMOTION_REBOOTS: Duration = Duration::from_secs(45);

/// How long it is `backing-up` then, at least: automated backups begin with the promotion.
const FIRST_BACKUP: Duration = Duration::from_secs(180);

/// How long RDS backs a replica up just when a failover needs it: by the size of what changed, minutes.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ReadRepl.Promote.html>
const BACKUP: Duration = Duration::from_secs(300);

/// How long the database is down while the standby in another zone takes over: 60 to 120 s.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.MultiAZ.Failover.html>
const STANDBY_TAKES_OVER: Duration = Duration::from_secs(120);

/// How long an instance is `modifying` before its server is moved to a machine of another class, which serves on.
/// <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.Settings.html>
const CLASS_CHANGE_BEGINS: Duration = Duration::from_secs(60);

/// How long the database is down then: "an outage occurs during this change", of minutes.
const CLASS_CHANGE_RESTARTS: Duration = Duration::from_secs(300);

/// The round trip between the recovery Region and the primary's, as between us-west-2 and us-east-1.
/// <https://www.cloudping.co>
const FAR: Duration = Duration::from_millis(65);

/// The round trip between the witness and either.
const WITNESS: Duration = Duration::from_millis(75);

/// How late EventBridge starts what is due for a minute, at most. Not scaled: the engine's own minutes are not either.
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-rule-schedule.html>
const STARTS_WITHIN: Duration = Duration::from_secs(55);

/// Round trips between two Regions of a switchover: logins of its steps, and their questions.
const ROUND_TRIPS: u32 = 15;

/// How soon a promotion that waits is asked again.
const ASKED_AGAIN: Duration = Duration::from_secs(1);

/// How soon a function that wakes is asked again.
const WAKING: Duration = Duration::from_secs(3);

/// How many sleeping functions a backup, or a restore test, needs.
const SLEEPERS: u32 = 3;

/// One packet of this many is lost, and sent again: about what AWS's own network loses on a bad day.
const LOSES_ONE_OF: u64 = 2_000;

impl Manners {
    fn scaled(self, aws: Duration) -> Duration {
        match self {
            Self::Instant => Duration::ZERO,
            Self::Aws(Scale(scale)) => aws.mul_f64(scale),
        }
    }

    /// How long work takes that a drill lets RDS begin. It takes time also with instant manners, which wait for nothing else.
    fn lasting(self, aws: Duration) -> Duration {
        match self {
            Self::Instant => Self::Aws(Scale::USUAL).scaled(aws),
            Self::Aws(_) => self.scaled(aws),
        }
    }

    /// How RDS behaves.
    #[must_use]
    pub fn rds(self) -> Timing {
        let aws = || PromotionTiming {
            begins: self.scaled(PROMOTION_BEGINS),
            reboots: self.scaled(PROMOTION_REBOOTS),
            first_backup: self.scaled(FIRST_BACKUP),
        };
        Timing {
            status_lag: self.scaled(STATUS_LAG),
            groups_apply: self.scaled(GROUPS_APPLY),
            promotion: (self != Self::Instant).then(aws),
        }
    }

    /// How long a backup takes that RDS begins in a drill.
    #[must_use]
    pub fn backup(self) -> Duration {
        self.lasting(BACKUP)
    }

    /// How long the database is down while a standby takes over.
    #[must_use]
    pub fn standby_takes_over(self) -> Duration {
        self.lasting(STANDBY_TAKES_OVER)
    }

    /// How long a change of the class takes before the database is down.
    #[must_use]
    pub fn class_change_begins(self) -> Duration {
        self.lasting(CLASS_CHANGE_BEGINS)
    }

    /// How long the database is down during it.
    #[must_use]
    pub fn class_change_restarts(self) -> Duration {
        self.lasting(CLASS_CHANGE_RESTARTS)
    }

    /// How late a schedule starts, at most.
    #[must_use]
    pub fn starts_within(self) -> Duration {
        if self == Self::Instant { Duration::ZERO } else { STARTS_WITHIN }
    }

    /// What AWS itself adds to an outage: a promotion's restart, its status that lags, the step that waits for it and is
    /// asked again, and some round trips of the engine and of the client.
    #[must_use]
    pub fn adds_to_an_outage(self) -> Duration {
        let rds = self.rds();
        let Some(promotion) = rds.promotion else { return Duration::ZERO };
        let promotion = promotion.begins + promotion.reboots + rds.status_lag * 2 + ASKED_AGAIN;
        promotion + self.far().round_trip * ROUND_TRIPS
    }

    /// What AWS itself adds to a backup, or to a restore test: functions that are made active and asked again after 3 s
    /// each, and statuses that lag.
    #[must_use]
    pub fn adds_to_a_backup(self) -> Duration {
        if self == Self::Instant { Duration::ZERO } else { WAKING * SLEEPERS + self.rds().status_lag * 2 }
    }

    /// The network between the recovery Region and the primary's.
    #[must_use]
    pub fn far(self) -> LinkQuality {
        self.quality(FAR)
    }

    /// The network between the witness and either.
    #[must_use]
    pub fn from_the_witness(self) -> LinkQuality {
        self.quality(WITNESS)
    }

    fn quality(self, round_trip: Duration) -> LinkQuality {
        match self {
            Self::Instant => LinkQuality::default(),
            Self::Aws(_) => LinkQuality { round_trip, loses_one_of: Some(LOSES_ONE_OF) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_a_fraction_of_a_second() {
        for (text, minute) in [("1/60", 1.0), ("0.5", 30.0), ("1", 60.0), ("1/1000", 0.06)] {
            let manners = Manners::Aws(text.parse().unwrap());
            let scaled = manners.scaled(Duration::from_secs(60)).as_secs_f64();
            assert!((scaled - minute).abs() < 1e-6, "{text}: {scaled}");
        }
        for bad in ["", "0", "-1", "2", "1/0", "NaN", "1/100000", "fast", "inf"] {
            let error = bad.parse::<Scale>().unwrap_err().to_string();
            assert!(error.contains("1/60"), "{error}");
        }
    }

    #[test]
    fn instant_manners_hold_nothing_up() {
        let manners = Manners::Instant;
        let rds = manners.rds();
        assert_eq!(rds.status_lag + rds.groups_apply, Duration::ZERO);
        assert_eq!((rds.promotion, manners.far()), (None, LinkQuality::default()));
    }

    #[test]
    fn work_that_a_drill_lets_rds_begin_takes_its_time_with_all_manners() {
        for manners in [Manners::Instant, Manners::Aws(Scale::USUAL)] {
            assert_eq!((manners.backup().as_secs(), manners.standby_takes_over().as_secs()), (5, 2));
            assert_eq!((manners.class_change_begins().as_secs(), manners.class_change_restarts().as_secs()), (1, 5));
        }
        assert_eq!(Manners::Aws(Scale(0.1)).standby_takes_over().as_secs(), 12);
    }

    #[test]
    fn a_lost_packet_comes_later_and_the_others_do_not() {
        let quality = Manners::Aws(Scale::USUAL).far();
        assert_eq!(quality.takes(0), Duration::from_micros(32_500));
        assert!(quality.takes(LOSES_ONE_OF - 1) > Duration::from_millis(250));
    }
}
