//! A lab that is up: AWS on this machine, the engine in a plan's Regions, and the system that the plan protects.

use std::sync::Arc;

use domain::plan::Plan;

use crate::{
    databases::Storage,
    footprint::Footprint,
    gateway::{Caller, Fault, FaultsError, How, When},
    local_aws::{LocalAws, LocalAwsError},
    manners::Manners,
    pager::{self, Pager},
    protection::{self, ProtectionError},
    setup::Progress,
    slot::Slot,
    system::{System, SystemError},
};

/// A lab with a protected system on it, watched and well. Ended by [`Lab::shut_down`], or else when it is dropped.
///
/// A drill of several plans has one of these for each pair, all on the same AWS.
pub struct Lab {
    /// AWS on this machine.
    pub aws: Arc<LocalAws>,
    /// The system: its first pair, with all that the plan protects beside its pairs.
    pub system: System,
    /// Its further pairs.
    pub further: Vec<System>,
    /// The people on call.
    pub pager: Pager,
    manners: Manners,
}

/// What a lab may be told beside its plan.
#[derive(Debug, Default, Clone, Copy)]
pub struct Settings<'a> {
    /// Its slot; without one, the first that is free.
    pub slot: Option<Slot>,
    /// Where the databases lie.
    pub storage: Storage,
    /// SQL that makes what the plan's own checks ask for, in the database of each pair, as its owner.
    pub data: Option<&'a str>,
}

/// Why there is no lab, or why it does not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// No AWS.
    #[error("the lab is not up")]
    LocalAws(#[from] LocalAwsError),
    /// No system, or no engine for it.
    #[error("the plan could not be put onto the lab")]
    Protection(#[from] ProtectionError),
    /// Something of the system.
    #[error("the lab's system is not as it should be")]
    System(#[from] SystemError),
    /// No faults.
    #[error("faults could not be injected into AWS's calls")]
    Faults(#[from] FaultsError),
    /// What the lab uses of this computer cannot be read.
    #[error("the lab's processes cannot be looked at")]
    Footprint(#[from] std::io::Error),
}

/// Functions that nothing but a backup calls. With readiness, no other one sleeps.
const SLEEPERS: [&str; 5] =
    ["lifeboat-open-backup", "lifeboat-snapshot", "lifeboat-restore", "lifeboat-close-backup", "lifeboat-cleanup"];

impl Lab {
    /// Brings a lab up and puts the plan's system on it. AWS answers as fast as this computer does, until
    /// [`Lab::set_manners`].
    ///
    /// # Errors
    /// [`LabError`]; nothing is left running then.
    pub async fn start(plan: &Plan, settings: Settings<'_>, progress: &dyn Progress) -> Result<Self, LabError> {
        let aws = Arc::new(LocalAws::start(settings.slot, settings.storage, progress).await?);
        let mut systems = protection::protect(&aws, plan, settings.data, progress).await?.into_iter();
        let first = systems.next().ok_or_else(|| ProtectionError::from(SystemError::without_pairs(plan)))?;
        let lab = Self::on(aws, first, pager::NOTICES).await?;
        Ok(Self { further: systems.collect(), ..lab })
    }

    /// A system on an AWS that is up, and people on call who write their notices into this file of the lab's folder.
    async fn on(aws: Arc<LocalAws>, system: System, notices: &str) -> Result<Self, LabError> {
        let notices = aws.folder.join(notices);
        let pager = Pager::subscribe(&aws.gateway, system.plan.regions.recovery.as_str(), &notices).await?;
        Ok(Self { aws, system, further: Vec::new(), pager, manners: Manners::default() })
    }

    /// Puts more plans' systems onto the same AWS, beside this one, each watched and well.
    ///
    /// # Errors
    /// [`LabError`].
    pub async fn beside(&self, plans: &[Plan], progress: &dyn Progress) -> Result<Vec<Self>, LabError> {
        let systems = protection::protect_beside(&self.aws, &self.system.whole, plans, progress).await?;
        // The emulator ends a function that is at work when it is updated, and with it the windows of this plan's watch.
        for pair in self.further.iter().chain([&self.system]) {
            pair.watch_anew(&self.aws).await?;
        }
        let mut labs = Vec::new();
        for system in systems {
            let notices = format!("{}-{}", system.plan.plan, pager::NOTICES);
            labs.push(Self::on(Arc::clone(&self.aws), system, &notices).await?);
        }
        Ok(labs)
    }

    /// Takes the plan out of its Regions: nothing of it starts any more. Its databases stay.
    ///
    /// # Errors
    /// [`LabError`].
    pub async fn retire(&self) -> Result<(), LabError> {
        if self.system.is_first() {
            protection::withdraw(&self.aws, &self.system.whole).await?;
        }
        Ok(self.system.forget(&self.aws).await?)
    }

    /// Applies a plan again that was taken out, and makes its pair again.
    ///
    /// # Errors
    /// [`LabError`].
    pub async fn revive(&self) -> Result<(), LabError> {
        if self.system.is_first() {
            protection::apply(&self.aws, &self.system.whole).await?;
        }
        Ok(self.system.renew(&self.aws).await?)
    }

    /// Deletes what starts runs by itself: a run begins only when someone starts it.
    ///
    /// # Errors
    /// [`LabError::System`].
    pub async fn start_by_hand_only(&self) -> Result<(), LabError> {
        for pair in self.further.iter().chain([&self.system]) {
            pair.start_by_hand_only(&self.aws).await?;
        }
        Ok(self.system.start_nothing_again(&self.aws).await?)
    }

    /// How AWS behaves.
    #[must_use]
    pub const fn manners(&self) -> Manners {
        self.manners
    }

    /// Lets AWS behave like this from now on.
    ///
    /// # Errors
    /// [`LabError::Faults`].
    pub async fn set_manners(&mut self, manners: Manners) -> Result<(), LabError> {
        if manners == self.manners {
            return Ok(());
        }
        self.manners = manners;
        self.aws.set_manners(manners, &self.system.plan).await?;
        let faults = self.aws.gateway.faults();
        faults.heal().await?;
        for function in SLEEPERS {
            let asleep = Fault::new(When::Before, How::Asleep).by(Caller::States).operation("Invoke");
            faults.set(&asleep.target(function).first(1)).await?;
        }
        Ok(())
    }

    /// Makes the pair again as it was before any disaster.
    ///
    /// # Errors
    /// [`LabError`].
    pub async fn renew(&mut self) -> Result<(), LabError> {
        // This is set-up and no drill: it need not take AWS's time.
        let manners = std::mem::take(&mut self.manners);
        if manners != Manners::Instant {
            self.aws.set_manners(Manners::Instant, &self.system.plan).await?;
        }
        self.system.renew(&self.aws).await?;
        self.set_manners(manners).await
    }

    /// What the lab uses of this computer now, without the functions that only wait for their next call: how many those
    /// are is chance.
    ///
    /// # Errors
    /// [`LabError`].
    pub async fn footprint(&self) -> Result<Footprint, LabError> {
        self.aws.gateway.faults().end_idle_environments().await?;
        Ok(Footprint::of(&self.aws)?)
    }

    /// Ends everything in order, once no other plan is on the same AWS.
    pub async fn shut_down(self) {
        if let Some(aws) = Arc::into_inner(self.aws) {
            aws.shut_down().await;
        }
    }
}
