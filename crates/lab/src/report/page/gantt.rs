//! The state machine drawn to scale: a row for each turn of a function, and for each wait.

use std::fmt::{self, Write};

use super::{
    scale::{Scale, offset, offset_ms},
    text::short,
};
use crate::report::{DrillResult, TurnKind};

const WIDTH: f64 = 1080.0;
const LEFT: f64 = 190.0;
/// The bars' lengths are written to the right of them.
const RIGHT: f64 = WIDTH - 150.0;
const ROW: f64 = 20.0;
/// The most turns that are drawn.
const MOST_TURNS: usize = 120;

/// Draws it.
pub(super) fn draw(out: &mut String, result: &DrillResult) -> fmt::Result {
    let turns = &result.turns[..result.turns.len().min(MOST_TURNS)];
    let (Some(first), Some(last)) = (turns.iter().map(|turn| turn.from).min(), turns.iter().map(|turn| turn.to).max())
    else {
        return out.write_str("<p>No execution of the state machine is known.</p>\n");
    };
    let scale = Scale::new(first, (0.0, offset_ms(first, last)), (LEFT, RIGHT));
    let bottom = turns.len() as f64 * ROW;
    writeln!(
        out,
        "<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-label=\"The states of the run, drawn to scale\">",
        bottom + 22.0
    )?;
    for ms in scale.marks() {
        let x = scale.x_of(ms);
        writeln!(
            out,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"0\" y2=\"{bottom:.1}\"/>\
             <text class=\"tick\" x=\"{x:.1}\" y=\"{:.1}\">{} s</text>",
            bottom + 16.0,
            ms / 1_000.0
        )?;
    }
    for (index, turn) in turns.iter().enumerate() {
        let y = index as f64 * ROW;
        let (from, to) = (scale.x(turn.from), scale.x(turn.to));
        let class = match turn.kind {
            TurnKind::Task => "task",
            TurnKind::Wait => "wait",
        };
        writeln!(
            out,
            "<text class=\"actor\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
             <rect class=\"{class}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>\
             <text class=\"length\" x=\"{:.1}\" y=\"{1:.1}\">{:.0} ms</text>\
             <text class=\"tick end\" x=\"{:.1}\" y=\"{1:.1}\">{}</text>",
            LEFT - 10.0,
            y + 14.0,
            short(turn.state.as_str(), 28),
            y + 4.0,
            (to - from).max(1.0),
            ROW - 7.0,
            to + 6.0,
            offset_ms(turn.from, turn.to),
            WIDTH - 4.0,
            offset(result.disaster_at, turn.from)
        )?;
    }
    out.write_str("</svg></div>\n")?;
    if result.turns.len() > turns.len() {
        writeln!(out, "<p>{} more turns are in the evidence.</p>", result.turns.len() - turns.len())?;
    }
    Ok(())
}
