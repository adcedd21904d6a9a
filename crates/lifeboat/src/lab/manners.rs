//! How AWS behaves in a lab, by the command line.

use clap::Args;
use lab::manners::{Manners, Scale};

use crate::refusal::Refusal;

/// How AWS behaves in a lab.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How AWS behaves: as fast as this machine, or as awkward as AWS, with its minutes scaled to seconds.
    #[arg(long, default_value = "instant", value_parser = ["instant", "aws"])]
    manners: String,
    /// How many seconds a second of AWS takes with --manners aws; 1/60 by default.
    #[arg(long, value_name = "FRACTION")]
    scale: Option<Scale>,
}

impl Arguments {
    /// What was asked for.
    pub(crate) fn read(&self) -> Result<Manners, Refusal> {
        match (self.manners.as_str(), self.scale) {
            ("aws", scale) => Ok(Manners::Aws(scale.unwrap_or_default())),
            (_, None) => Ok(Manners::Instant),
            (_, Some(_)) => {
                Err(Refusal::usage("--scale belongs to --manners aws", "Leave it out, or add --manners aws."))
            }
        }
    }
}

/// The options that ask for these manners; none for the default.
pub(crate) fn options(manners: Manners) -> String {
    match manners {
        Manners::Instant => String::new(),
        Manners::Aws(scale) if scale == Scale::USUAL => " --manners aws".to_owned(),
        Manners::Aws(scale) => format!(" --manners aws --scale {scale}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_ask_for_the_same_again() {
        let tenth: Scale = "1/10".parse().expect("a scale");
        assert_eq!(options(Manners::Aws(tenth)), " --manners aws --scale 0.1");
        assert_eq!(tenth.to_string().parse(), Ok(tenth));
        assert_eq!(options(Manners::Aws(Scale::USUAL)), " --manners aws");
        assert_eq!(options(Manners::Instant), "");
    }
}
