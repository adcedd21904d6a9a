//! The drill drawn to scale: a lane for each actor, each entry of the timeline where it happened.

use std::fmt::{self, Write};

use super::{
    scale::{Scale, offset, offset_ms},
    text::{short, text},
};
use crate::report::{Actor, DrillResult, Event, Subject, TimelineEntry, Tone, TurnKind};

const WIDTH: f64 = 1080.0;
/// Where the lanes begin: right of their names.
const LEFT: f64 = 118.0;
const RIGHT: f64 = WIDTH - 14.0;
const LANE: f64 = 34.0;
/// One row of labels above the lanes.
const ROW: f64 = 17.0;
/// A character of a label is about this wide.
const CHAR: f64 = 6.3;
/// The most entries that are drawn; the table below has more.
const MOST_ENTRIES: usize = 40;
/// The most bars that are drawn.
const MOST_BARS: usize = 200;

const LANES: [Actor; 7] =
    [Actor::Disaster, Actor::Client, Actor::Probe, Actor::Alarm, Actor::Run, Actor::Database, Actor::Dns];

/// Draws it.
pub(super) fn draw(out: &mut String, result: &DrillResult) -> fmt::Result {
    let scale = Scale::new(result.disaster_at, window(result), (LEFT, RIGHT));
    let drawn: Vec<&TimelineEntry> =
        result.timeline.iter().filter(|entry| scale.holds(entry.at)).take(MOST_ENTRIES).collect();
    let labels = place_labels(result, &drawn, &scale);
    let rows = labels.iter().map(|label| label.row + 1).max().unwrap_or_default();
    let top = 8.0 + rows as f64 * ROW;
    let lanes: Vec<Actor> = LANES.into_iter().filter(|actor| has_anything(result, &drawn, *actor)).collect();
    let bottom = top + lanes.len() as f64 * LANE;
    let height = bottom + 24.0;
    writeln!(
        out,
        "<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"Timeline of the drill, \
         drawn to scale\">"
    )?;
    axis(out, &scale, top, bottom)?;
    for (index, actor) in lanes.iter().enumerate() {
        let y = top + index as f64 * LANE;
        let middle = y + LANE / 2.0;
        writeln!(
            out,
            "<line class=\"lane\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{0:.1}\" y2=\"{0:.1}\"/>\
             <text class=\"actor\" x=\"{1}\" y=\"{2:.1}\">{3}</text>",
            y + LANE,
            LEFT - 10.0,
            middle + 4.0,
            actor.name()
        )?;
        match actor {
            Actor::Client => commits(out, result, &scale, y)?,
            Actor::Run => bars(out, result, &scale, y)?,
            Actor::Disaster | Actor::Probe | Actor::Alarm | Actor::Database | Actor::Dns => {}
        }
    }
    let lane_of = |entry: &TimelineEntry| lanes.iter().position(|actor| *actor == entry.source).unwrap_or_default();
    for (entry, label) in drawn.iter().zip(&labels) {
        lead(out, label, top + (lane_of(entry) as f64 + 0.5) * LANE)?;
    }
    // After all the lines, so that none crosses a text.
    for (entry, label) in drawn.iter().zip(&labels) {
        mark(out, result, entry, label, top + (lane_of(entry) as f64 + 0.5) * LANE)?;
    }
    out.write_str("</svg></div>\n")
}

/// From shortly before the disaster to shortly after the last thing that belongs to the recovery.
fn window(result: &DrillResult) -> (f64, f64) {
    let ms = |at| offset_ms(result.disaster_at, at);
    let first = result.timeline.iter().map(|entry| ms(entry.at)).fold(0.0, f64::min);
    let recovery =
        result.timeline.iter().filter(|entry| !matches!(entry.event, Event::OldPrimaryBack | Event::OldPrimaryFenced));
    let back = result.client.outage.as_ref().and_then(|outage| outage.first_after).map(ms);
    let last = recovery.map(|entry| ms(entry.at)).chain(back).fold(100.0, f64::max);
    let margin = (last - first) * 0.08;
    (first - margin, last + margin)
}

fn has_anything(result: &DrillResult, drawn: &[&TimelineEntry], actor: Actor) -> bool {
    let trace = &result.client.trace;
    drawn.iter().any(|entry| entry.source == actor)
        || (actor == Actor::Client && !(trace.acknowledged.is_empty() && trace.failed.is_empty()))
        || (actor == Actor::Run && !result.turns.is_empty())
}

struct Label {
    x: f64,
    row: usize,
    ends_here: bool,
}

/// A row for each label so that none lies on another: the first row that is free from where the label begins.
fn place_labels(result: &DrillResult, drawn: &[&TimelineEntry], scale: &Scale) -> Vec<Label> {
    let mut ends: Vec<f64> = Vec::new();
    drawn
        .iter()
        .map(|entry| {
            let x = scale.x(entry.at);
            let width = (caption(result, entry).chars().count() as f64).mul_add(CHAR, 14.0);
            let ends_here = x + width > RIGHT;
            let start = if ends_here { x - width } else { x };
            let row = ends.iter().position(|end| *end <= start).unwrap_or(ends.len());
            if row == ends.len() {
                ends.push(0.0);
            }
            ends[row] = start + width;
            Label { x, row, ends_here }
        })
        .collect()
}

fn caption(result: &DrillResult, entry: &TimelineEntry) -> String {
    format!("{} {}", entry.event.name(), offset(result.disaster_at, entry.at))
}

fn axis(out: &mut String, scale: &Scale, top: f64, bottom: f64) -> fmt::Result {
    for ms in scale.marks() {
        let x = scale.x_of(ms);
        writeln!(
            out,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\">{} s</text>",
            bottom + 16.0,
            ms / 1_000.0
        )?;
    }
    Ok(())
}

/// The client's commits as ticks, the outage as the gap between them.
fn commits(out: &mut String, result: &DrillResult, scale: &Scale, y: f64) -> fmt::Result {
    // Where nothing was to be moved, the longest wait is no gap.
    if let (Subject::Failover, Some(outage)) = (result.subject, &result.client.outage) {
        let from = scale.x(outage.last_before);
        let to = outage.first_after.map_or(RIGHT, |at| scale.x(at));
        let seconds = outage.milliseconds as f64 / 1_000.0;
        writeln!(
            out,
            "<rect class=\"gap\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
             <text class=\"gap\" x=\"{:.1}\" y=\"{:.1}\">no commit for {seconds:.3} s</text>",
            y + 3.0,
            (to - from).max(0.0),
            LANE - 6.0,
            (from + to) / 2.0,
            y + LANE / 2.0 + 1.0
        )?;
    }
    ticks(out, "tried", &result.client.trace.failed, scale, (y + LANE - 10.0, y + LANE - 4.0))?;
    ticks(out, "commit", &result.client.trace.acknowledged, scale, (y + 6.0, y + LANE - 6.0))
}

/// Ticks of one kind as one path. Those that fall on the same tenth of a unit are one.
fn ticks(out: &mut String, class: &str, at_ms: &[i64], scale: &Scale, (from, to): (f64, f64)) -> fmt::Result {
    let (first, last) = (scale.x_of(f64::MIN), scale.x_of(f64::MAX));
    let mut places: Vec<i64> = at_ms
        .iter()
        .map(|ms| scale.x_of(*ms as f64))
        .filter(|x| *x > first && *x < last)
        .map(|x| (x * 10.0).round() as i64)
        .collect();
    places.sort_unstable();
    places.dedup();
    if places.is_empty() {
        return Ok(());
    }
    write!(out, "<path class=\"{class}\" d=\"")?;
    for place in places {
        write!(out, "M{:.1} {from:.1}V{to:.1}", place as f64 / 10.0)?;
    }
    out.write_str("\"/>\n")
}

fn bars(out: &mut String, result: &DrillResult, scale: &Scale, y: f64) -> fmt::Result {
    for turn in result.turns.iter().filter(|turn| scale.holds(turn.from)).take(MOST_BARS) {
        let (from, to) = (scale.x(turn.from), scale.x(turn.to));
        let class = match turn.kind {
            TurnKind::Task => "task",
            TurnKind::Wait => "wait",
        };
        writeln!(
            out,
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}, {:.0} ms</title></rect>",
            y + 9.0,
            (to - from).max(1.0),
            LANE - 18.0,
            short(turn.state.as_str(), 80),
            offset_ms(turn.from, turn.to)
        )?;
    }
    Ok(())
}

fn row_y(label: &Label) -> f64 {
    8.0 + label.row as f64 * ROW
}

fn lead(out: &mut String, label: &Label, y: f64) -> fmt::Result {
    let x = label.x;
    writeln!(out, "<line class=\"lead\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{y:.1}\"/>", row_y(label) + 2.0)
}

fn mark(out: &mut String, result: &DrillResult, entry: &TimelineEntry, label: &Label, y: f64) -> fmt::Result {
    let x = label.x;
    let (anchor, text_x) = if label.ends_here { ("end", x - 5.0) } else { ("start", x + 5.0) };
    writeln!(
        out,
        "<circle class=\"{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.5\"><title>{}</title></circle>\
         <text class=\"label\" text-anchor=\"{anchor}\" x=\"{text_x:.1}\" y=\"{:.1}\">{}</text>",
        tone(entry.event),
        short(&entry.detail, 300),
        row_y(label) + 11.0,
        text(&caption(result, entry))
    )
}

/// An event's tone, as the page's style calls it.
pub(super) fn tone(event: Event) -> &'static str {
    match event.tone() {
        Tone::Bad => "bad",
        Tone::Good => "good",
        Tone::Plain => "plain",
    }
}
