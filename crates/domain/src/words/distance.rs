//! How far Regions are from each other: what a packet takes there and back.

use crate::words::{id::Region, time_span::TimeSpan};

/// Where AWS's Regions are, by the city that their names stand for: latitude and longitude, to a tenth of a degree.
const REGIONS: [(&str, f64, f64); 38] = [
    ("af-south-1", -33.9, 18.4),
    ("ap-east-1", 22.3, 114.2),
    ("ap-east-2", 25.0, 121.6),
    ("ap-northeast-1", 35.7, 139.7),
    ("ap-northeast-2", 37.6, 127.0),
    ("ap-northeast-3", 34.7, 135.5),
    ("ap-south-1", 19.1, 72.9),
    ("ap-south-2", 17.4, 78.5),
    ("ap-southeast-1", 1.4, 103.8),
    ("ap-southeast-2", -33.9, 151.2),
    ("ap-southeast-3", -6.2, 106.8),
    ("ap-southeast-4", -37.8, 145.0),
    ("ap-southeast-5", 3.1, 101.7),
    ("ap-southeast-6", -36.8, 174.8),
    ("ap-southeast-7", 13.8, 100.5),
    ("ca-central-1", 45.5, -73.6),
    ("ca-west-1", 51.0, -114.1),
    ("cn-north-1", 39.9, 116.4),
    ("cn-northwest-1", 37.5, 105.2),
    ("eu-central-1", 50.1, 8.7),
    ("eu-central-2", 47.4, 8.5),
    ("eu-north-1", 59.3, 18.1),
    ("eu-south-1", 45.5, 9.2),
    ("eu-south-2", 41.6, -0.9),
    ("eu-west-1", 53.3, -6.3),
    ("eu-west-2", 51.5, -0.1),
    ("eu-west-3", 48.9, 2.4),
    ("il-central-1", 32.1, 34.8),
    ("me-central-1", 25.2, 55.3),
    ("me-south-1", 26.1, 50.6),
    ("mx-central-1", 20.6, -100.4),
    ("sa-east-1", -23.5, -46.6),
    ("us-east-1", 39.0, -77.5),
    ("us-east-2", 40.0, -83.0),
    ("us-gov-east-1", 40.0, -83.0),
    ("us-gov-west-1", 45.8, -119.7),
    ("us-west-1", 37.4, -121.9),
    ("us-west-2", 45.8, -119.7),
];

/// Whether AWS has a Region of this name, as far as this release knows. Those of its closed partitions are nowhere listed.
#[must_use]
pub fn is_known(region: &Region) -> bool {
    region.as_str().contains("-iso") || place(region).is_some()
}

const EARTH_RADIUS_KM: f64 = 6_371.0;

/// Light in glass makes 200 km in a millisecond, so that 100 km cost one there and back; cables are half as long again as
/// the straight line.
const KM_PER_MILLISECOND: f64 = 100.0 / 1.5;

/// What leaving one Region's network and entering another's takes.
const ENDS_MILLISECONDS: f64 = 4.0;

/// What a packet takes from one Region to another and back, as a rule; `None` of a Region that is not known here.
#[must_use]
pub fn round_trip(one: &Region, other: &Region) -> Option<TimeSpan> {
    if one == other {
        return Some(TimeSpan::seconds(0));
    }
    let (one, other) = (place(one)?, place(other)?);
    // The haversine formula, for places on a sphere.
    let of_the_arc = haversine(one.0 - other.0) + one.0.cos() * other.0.cos() * haversine(one.1 - other.1);
    let km = 2.0 * EARTH_RADIUS_KM * of_the_arc.sqrt().clamp(0.0, 1.0).asin();
    // At most half of the Earth's circumference: it fits.
    Some(TimeSpan::milliseconds((km / KM_PER_MILLISECOND + ENDS_MILLISECONDS).round() as u64))
}

/// A Region's latitude and longitude, in radians.
fn place(region: &Region) -> Option<(f64, f64)> {
    let (_, latitude, longitude) = REGIONS.iter().find(|(name, ..)| *name == region.as_str())?;
    Some((latitude.to_radians(), longitude.to_radians()))
}

fn haversine(angle: f64) -> f64 {
    (angle / 2.0).sin().powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_about_what_people_measure() {
        let between = |one: &str, other: &str| {
            let span = round_trip(&one.parse().unwrap(), &other.parse().unwrap());
            span.map(|span| span.as_milliseconds())
        };
        for (one, other, measured) in [
            ("us-east-1", "us-west-2", 60),
            ("us-east-1", "eu-west-1", 70),
            ("eu-west-1", "eu-central-1", 25),
            ("us-east-1", "ap-southeast-1", 220),
            ("eu-west-1", "ap-southeast-2", 260),
        ] {
            let found = between(one, other).unwrap();
            assert!((measured * 7 / 10..=measured * 14 / 10).contains(&found), "{one} to {other}: {found} ms");
            assert_eq!(between(other, one), Some(found));
        }
        assert_eq!(between("us-east-1", "us-east-1"), Some(0));
        assert_eq!(between("us-east-1", "sa-west-9"), None);
    }

    #[test]
    fn the_list_is_in_order_and_names_each_region_once() {
        assert!(REGIONS.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }
}
