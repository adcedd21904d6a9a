//! How long we wait for others. All of it stands here, so that one wait can be compared with the next, and a step's waits
//! with the `Timeout` of its function in `infra/engine.yaml`. A look at a database has the plan's own limit, `probe.timeout`.

use std::time::Duration;

// Every call to AWS.

/// One try of a call to AWS in the function's own Region.
pub const AWS_TRY: Duration = Duration::from_secs(5);

/// Such a call with all its tries: the state machine repeats a step that could not look, a function that hangs helps nobody.
pub const AWS_CALL: Duration = Duration::from_secs(10);

/// One answer of a name server. It is asked twice: 3 s of a silent one, 6 s where both kinds of address are looked for.
pub const NAME_SERVER: Duration = Duration::from_secs(1);

// A failover: clients wait.

/// A call to the Region that may have failed. One that needs longer is recorded as silent: it does not help now.
pub const FAILED_REGION: Duration = Duration::from_secs(2);

/// The old primary, to let us in and to shut the application out. It is dead in most runs, and everyone waits.
pub const FENCE: Duration = Duration::from_secs(1);

/// A primary that is to be opened again: clients are served only once it has.
pub const UNDO_FENCE: Duration = Duration::from_secs(3);

/// An old primary that is guarded, to let us in. Looks begin each second whatever this is: a host that returns with a queue
/// of dead connections has time to come to ours.
pub const GUARD_LOGIN: Duration = Duration::from_secs(3);

/// The same, to let us in and to end its sessions.
pub const GUARD: Duration = Duration::from_secs(4);

/// The replica that is promoted, for each question: it is near.
pub const REPLICA: Duration = Duration::from_secs(2);

/// Each side of a pair that works, for each question of a switchover.
pub const WORKING_PAIR: Duration = Duration::from_secs(2);

/// The application's sessions on a primary that is drained, to end.
pub const DRAIN: Duration = Duration::from_secs(5);

/// A resolver, for the name that clients use. One that needs longer is asked again.
pub const RESOLVER: Duration = Duration::from_secs(2);

// Backups: nobody waits but the state machine.

/// A call to a Region that has backups, or is given one.
pub const BACKUP_REGION: Duration = Duration::from_secs(4);

/// A call to a Region that a backup is restored or looked at in.
pub const RESTORE_REGION: Duration = Duration::from_secs(6);

/// A database that is backed up, or was restored, for a question of ours. The plan's checks have limits of their own.
pub const DATABASE: Duration = Duration::from_secs(5);

// Readiness: everything is looked at side by side, twice an hour.

/// Another Region's API, a resolver, or a database, for what is no look.
pub const READINESS: Duration = Duration::from_secs(5);

/// The function that switches traffic, which waits for each of the zone's servers.
pub const SWITCH_REHEARSAL: Duration = Duration::from_secs(20);

/// The judge, who waits for other Regions and for a plan's longest time-out.
pub const JUDGE: Duration = Duration::from_secs(20);

// Waking functions before they are needed.

/// A function that is called to see whether it answers: a cold start, and reading its credentials.
pub const ROLL_CALL: Duration = Duration::from_secs(8);

/// Handing an event over to Lambda, in whichever Region.
pub const HAND_OVER: Duration = Duration::from_secs(2);

/// Reading ahead what a login needs: a function that is needed meanwhile is started once more.
pub const READ_AHEAD: Duration = Duration::from_secs(3);
