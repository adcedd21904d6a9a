//! Planned work: RDS shows what is done to an instance, and its server is down for a part of it.

use std::sync::Arc;
use std::time::Duration;

use super::Rds;
use crate::error::RdsError;
use crate::postgres::error::PostgresError;
use crate::postgres::server::Server;
use crate::resources::instance::Status;
use crate::resources::name::Name;
use crate::service::Service;

impl Rds {
    /// Lets RDS back the instance up for this long. It serves all the time; its status lags, as with every change.
    ///
    /// # Errors
    /// When there is no such instance, or it is worked on already.
    pub fn back_up(&self, name: &Name, lasts: Duration) -> Result<(), RdsError> {
        self.begin(name, Status::BackingUp, self.service.timing().status_lag)?;
        let (service, name) = (Arc::clone(&self.service), name.clone());
        self.service.in_background(async move {
            tokio::time::sleep(lasts).await;
            let mut inventory = service.inventory();
            // A promotion may have begun meanwhile; then the status is its own.
            if inventory.instance(&name).is_ok_and(|instance| instance.status == Status::BackingUp) {
                inventory.set_status(&name, Status::Available);
            }
        });
        Ok(())
    }

    /// Lets the standby in another zone take over, as for maintenance or at a reboot with a failover: the host is gone at
    /// once, and the same endpoint serves again after `away`.
    ///
    /// # Errors
    /// When there is no such instance, or it is worked on already.
    pub fn let_standby_take_over(&self, name: &Name, away: Duration) -> Result<(), RdsError> {
        let server = self.begin(name, Status::Rebooting, Duration::ZERO)?;
        let (service, worked_on) = (Arc::clone(&self.service), name.clone());
        self.service.carry_out(name, async move {
            server.kill().await?;
            tokio::time::sleep(away).await;
            serve_again(&service, &worked_on, &server).await
        });
        Ok(())
    }

    /// Moves the instance to a machine of another class: it still serves for the time `begins`, and is then down for the
    /// time `away`.
    ///
    /// # Errors
    /// When there is no such instance, or it is worked on already.
    pub fn change_class(&self, name: &Name, class: &str, begins: Duration, away: Duration) -> Result<(), RdsError> {
        let server = self.begin(name, Status::Modifying, self.service.timing().status_lag)?;
        let (service, worked_on, class) = (Arc::clone(&self.service), name.clone(), class.to_owned());
        self.service.carry_out(name, async move {
            tokio::time::sleep(begins).await;
            server.stop().await?;
            tokio::time::sleep(away / 2).await;
            service.inventory().set_status(&worked_on, Status::ConfiguringMonitoring);
            tokio::time::sleep(away / 2).await;
            if let Ok(instance) = service.inventory().instance_mut(&worked_on) {
                instance.traits.class = class;
            }
            serve_again(&service, &worked_on, &server).await
        });
        Ok(())
    }

    /// Shows the work, and answers the server that it is done to.
    fn begin(&self, name: &Name, work: Status, lag: Duration) -> Result<Arc<Server>, RdsError> {
        let mut inventory = self.service.inventory();
        let instance = inventory.instances.get_mut(name).ok_or_else(|| RdsError::NoInstance { name: name.clone() })?;
        if instance.status != Status::Available {
            return Err(RdsError::Busy { name: name.clone(), status: instance.status });
        }
        instance.begin(work, lag);
        Ok(Arc::clone(&instance.server))
    }
}

async fn serve_again(service: &Service, name: &Name, server: &Server) -> Result<(), PostgresError> {
    service.revive(name, server).await?;
    service.inventory().set_status(name, Status::Available);
    Ok(())
}
