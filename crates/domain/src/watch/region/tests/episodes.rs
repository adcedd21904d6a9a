//! What people are told, and how often.

use super::*;

/// What is told after each of these conditions, by a plan of which three looks in a row count.
fn told(conditions: &[(RegionCondition, Option<Disaster>)]) -> Vec<String> {
    let (health, mut episode, mut told) = (itdo_erp(), None, Vec::new());
    for (second, (condition, points_to)) in (0..).zip(conditions) {
        let judged = Judged {
            condition: *condition,
            because: "as told".into(),
            points_to: *points_to,
            seen_at: None,
            figures: Figures::default(),
        };
        let (next, news) = Episode::next(episode, &judged, &health, at(second));
        episode = next;
        match news {
            News::None => {}
            News::Unhealthy(pointed) => {
                told.push(pointed.class.map_or_else(|| "not clear".to_owned(), |class| class.to_string()));
            }
            News::Over => told.push("over".to_owned()),
        }
    }
    told
}

const APPLICATION: (RegionCondition, Option<Disaster>) = (RegionCondition::Unhealthy, Some(Disaster::Application));
const NETWORK: (RegionCondition, Option<Disaster>) = (RegionCondition::Unhealthy, Some(Disaster::Network));
const NOT_CLEAR: (RegionCondition, Option<Disaster>) = (RegionCondition::Unhealthy, None);
const HEALTHY: (RegionCondition, Option<Disaster>) = (RegionCondition::Healthy, None);
const UNKNOWN: (RegionCondition, Option<Disaster>) = (RegionCondition::Unknown, None);

#[test]
fn each_class_is_told_once_and_the_end_when_it_lasts() {
    for (what, conditions, expected) in [
        ("nothing", vec![HEALTHY, UNKNOWN, HEALTHY], vec![]),
        ("one that goes on", vec![APPLICATION; 4], vec!["application"]),
        ("its end", [vec![APPLICATION], vec![HEALTHY; 3]].concat(), vec!["application", "over"]),
        ("no end yet", vec![APPLICATION, HEALTHY, HEALTHY], vec!["application"]),
        ("one that comes and goes", vec![APPLICATION, HEALTHY, HEALTHY, APPLICATION, HEALTHY], vec!["application"]),
        ("unknown is no end", vec![APPLICATION, HEALTHY, UNKNOWN, UNKNOWN, HEALTHY], vec!["application"]),
        ("unknown ends no row", vec![APPLICATION, HEALTHY, UNKNOWN, HEALTHY, HEALTHY], vec!["application", "over"]),
        (
            "another class",
            vec![APPLICATION, NETWORK, APPLICATION, NOT_CLEAR],
            vec!["application", "network", "not clear"],
        ),
        (
            "the next time",
            [vec![APPLICATION], vec![HEALTHY; 3], vec![HEALTHY, APPLICATION]].concat(),
            vec!["application", "over", "application"],
        ),
    ] {
        assert_eq!(told(&conditions), expected, "{what}");
    }
}

#[test]
fn an_episode_has_one_place_on_record() {
    let (plan, region) = ("lab".parse().unwrap(), "us-east-1".parse().unwrap());
    let judged = judged(&itdo_erp(), &after(0, GONE, 3));
    let (episode, _) = Episode::next(None, &judged, &itdo_erp(), "2026-01-15T09:30:04.125Z".parse().unwrap());
    let episode = episode.unwrap();
    let place = key(&plan, &region, &episode);
    assert_eq!(place, "evidence/lab/health/us-east-1/2026-01-15T093004125Z.json");
    let (later, _) = Episode::next(Some(episode), &judged, &itdo_erp(), at(60));
    assert_eq!(key(&plan, &region, &later.unwrap()), place);
}
