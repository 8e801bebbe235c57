//! A page that shapes are put on: what is written on it is escaped here, and nowhere else.

use std::fmt::Write as _;

use crate::escape;

/// The styles of every drawing: light, dark and print.
const STYLE: &str = include_str!("style.css");

/// A drawing that grows.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    body: String,
}

/// Returns a coordinate as short as it can be told apart.
fn short(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Returns text for XML: what would end it, or steer whoever reads it, is shown instead.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in escape::line(text).chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Not characters of XML.
            '\u{fffe}' | '\u{ffff}' => safe.push(char::REPLACEMENT_CHARACTER),
            letter => safe.push(letter),
        }
    }
    safe
}

/// Returns about how wide a letter is, in pixels at 12 points.
fn width_of(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 't' | 'f' | '.' | ',' | ':' | '\'' | '/' | '-' | ' ' | '(' | ')' => 4.2,
        'm' | 'w' | 'M' | 'W' | '@' => 10.5,
        'A'..='Z' => 8.0,
        _ if letter.is_ascii() => 6.7,
        _ => 12.5,
    }
}

/// Returns text cut to a width in pixels.
pub(super) fn fitted(text: &str, width: f64) -> String {
    let total: f64 = text.chars().map(width_of).sum();
    if total <= width {
        return text.to_owned();
    }
    let mut left = width - 10.0;
    let kept: String = text
        .chars()
        .take_while(|letter| {
            left -= width_of(*letter);
            left > 0.0
        })
        .collect();
    format!("{kept}…")
}

impl Canvas {
    /// Puts a rectangle down; `title` is told to who points at it.
    pub fn rect(
        &mut self,
        class: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        title: Option<&str>,
    ) {
        let (x, y, width, height) = (short(x), short(y), short(width), short(height));
        let head =
            format!("<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"");
        self.shape(&head, "rect", title);
    }

    /// Puts a rectangle with round corners down.
    pub fn round(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64), radius: f64) {
        let (x, y, width, height) = (short(x), short(y), short(width), short(height));
        let radius = short(radius);
        let head = format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{radius}\""
        );
        self.shape(&head, "rect", None);
    }

    /// Puts a path down.
    pub fn path(&mut self, class: &str, path: &str, title: Option<&str>) {
        self.shape(&format!("<path class=\"{class}\" d=\"{path}\""), "path", title);
    }

    /// Puts a straight line down.
    pub fn line(&mut self, class: &str, (x, y): (f64, f64), (to_x, to_y): (f64, f64)) {
        let path = format!("M{} {}L{} {}", short(x), short(y), short(to_x), short(to_y));
        self.path(class, &path, None);
    }

    /// Writes text.
    pub fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let (x, y, text) = (short(x), short(y), escaped(text));
        // Writing to a string can't fail.
        let _ = writeln!(self.body, "<text{class} x=\"{x}\" y=\"{y}\">{text}</text>");
    }

    /// Writes text cut to a width; the whole of it is told to who points at it.
    pub fn label(&mut self, class: &str, (x, y): (f64, f64), width: f64, text: &str) {
        let cut = fitted(text, width);
        if cut == text {
            return self.text(class, (x, y), text);
        }
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let (x, y, cut, text) = (short(x), short(y), escaped(&cut), escaped(text));
        let _ = writeln!(self.body, "<text{class} x=\"{x}\" y=\"{y}\">{cut}<title>{text}</title></text>");
    }

    /// Begins a group that is told as one thing.
    pub fn open(&mut self, title: &str) {
        let _ = writeln!(self.body, "<g><title>{}</title>", escaped(title));
    }

    /// Ends the group that was begun last.
    pub fn close(&mut self) {
        self.body.push_str("</g>\n");
    }

    /// Puts down a piece of our own that holds nobody's text.
    pub fn raw(&mut self, text: &'static str) {
        self.body.push_str(text);
    }

    fn shape(&mut self, head: &str, name: &str, title: Option<&str>) {
        let _ = match title {
            None => writeln!(self.body, "{head}/>"),
            Some(title) => writeln!(self.body, "{head}><title>{}</title></{name}>", escaped(title)),
        };
    }

    /// Returns the page as one SVG element that asks nothing of any other file; `id` tells its title from those of other drawings.
    pub fn svg(self, id: &str, (width, height): (f64, f64), title: &str, description: &str) -> String {
        let (width, height) = (short(width), short(height));
        let (title, description, body) = (escaped(title), escaped(description), self.body);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"fb\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\">\n\
             <title id=\"{id}-t\">{title}</title>\n<desc id=\"{id}-d\">{description}</desc>\n<style>\n{STYLE}</style>\n\
             <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n{body}</svg>\n"
        )
    }
}
