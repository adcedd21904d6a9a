//! XML as the Query protocol answers it: nested elements without attributes.

use std::fmt::{Display, Write};

/// An XML text under construction.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// Adds an element around what `content` adds.
    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) -> &mut Self {
        self.raw(format_args!("<{name}>"));
        content(self);
        self.raw(format_args!("</{name}>"))
    }

    /// Adds an element around a value.
    pub(crate) fn text(&mut self, name: &str, value: impl Display) -> &mut Self {
        self.raw(format_args!("<{name}>"));
        for character in value.to_string().chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '\r' => self.0.push_str("&#xD;"),
                // XML 1.0 has no way to carry the other control characters.
                c if c.is_control() && !matches!(c, '\t' | '\n') => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
        self.raw(format_args!("</{name}>"))
    }

    /// Adds an element around a value, or nothing.
    pub(crate) fn optional(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// Adds text that is XML already.
    pub(crate) fn raw(&mut self, text: impl Display) -> &mut Self {
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{text}");
        self
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_an_element_is_escaped() {
        let mut xml = Xml::default();
        xml.element("a", |xml| {
            xml.text("b", "x < y && \"z\" > \u{1}").optional("c", None::<u8>);
        });
        assert_eq!(xml.finish(), "<a><b>x &lt; y &amp;&amp; \"z\" &gt; \u{fffd}</b></a>");
    }
}
