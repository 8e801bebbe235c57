//! The text of an expression into its tree: the only file that names the CEL crate.

use crate::rules::policy::tree::Mistake;
use crate::rules::policy::tree::Raw;

/// Parses each text; needs a deep stack.
#[cfg(feature = "cel")]
pub(super) fn parse(texts: &[&str]) -> Vec<Result<Raw, Mistake>> {
    reader::parse(texts)
}

/// Parses each text: a build without CEL refuses all.
#[cfg(not(feature = "cel"))]
pub(super) fn parse(texts: &[&str]) -> Vec<Result<Raw, Mistake>> {
    let refused = |text: &&str| {
        let message = "this build of failback can't read CEL";
        Err(Mistake::new("no-cel", 0..text.len(), message).help("build it with the feature `cel`"))
    };
    texts.iter().map(refused).collect()
}

#[cfg(feature = "cel")]
mod reader {
    use std::ops::Range;

    use cel::Env;
    use cel::ParseError;
    use cel::common::ast::EntryExpr;
    use cel::common::ast::Expr;
    use cel::common::ast::IdedExpr;
    use cel::common::ast::LiteralValue;
    use cel::common::ast::SourceInfo;

    use crate::rules::policy::limits;
    use crate::rules::policy::tree::Literal;
    use crate::rules::policy::tree::Mistake;
    use crate::rules::policy::tree::Operator;
    use crate::rules::policy::tree::Raw;
    use crate::rules::policy::tree::RawKind;

    pub(super) fn parse(texts: &[&str]) -> Vec<Result<Raw, Mistake>> {
        let one = |text: &&str| {
            limits::check(text)?;
            // The parser is generated code that is not ours: a panic in it must cost one expression and not the process.
            std::panic::catch_unwind(|| expression(text)).unwrap_or_else(|_| {
                let message = "the CEL parser can't read this expression";
                Err(Mistake::new("bad-expression", 0..text.len(), message))
            })
        };
        texts.iter().map(one).collect()
    }

    fn expression(text: &str) -> Result<Raw, Mistake> {
        // An environment without macros: `all` and `has` stay calls, as they are written.
        let program = Env::default().compile(text).map_err(|errors| {
            let first = errors.errors.first();
            first.map_or_else(
                || wrong(0..text.len(), "the expression can't be read"),
                |error| told(error, text),
            )
        })?;
        Converter { text, places: program.source_info() }.part(program.expression(), 0)
    }

    fn wrong(at: Range<usize>, message: impl Into<String>) -> Mistake {
        Mistake::new("bad-expression", at, message)
    }

    /// Says what the parser says, without the list of all tokens that it would have taken.
    fn told(error: &ParseError, text: &str) -> Mistake {
        let begin = place(text, error.pos);
        let at = begin..end_of_word(text, begin);
        let message = error.msg.trim_start_matches("Syntax error: ");
        if message.contains("'<EOF>'") && !message.contains("extraneous input") {
            let end = text.trim_end().len();
            let begin = text[..end].char_indices().next_back().map_or(0, |(at, _)| at);
            return wrong(begin..end, "the expression ends too early");
        }
        let found = &text[at.clone()];
        match found {
            "=" => wrong(at, "`=` is not CEL").help("write `==`"),
            "&" => wrong(at, "`&` is not CEL").help("write `&&`"),
            "|" => wrong(at, "`|` is not CEL").help("write `||`"),
            "and" | "AND" => wrong(at, format!("`{found}` is not CEL")).help("write `&&`"),
            "or" | "OR" => wrong(at, format!("`{found}` is not CEL")).help("write `||`"),
            "not" | "NOT" => wrong(at, format!("`{found}` is not CEL")).help("write `!`"),
            _ if message.starts_with("token recognition error") => {
                if found.starts_with(['"', '\'']) {
                    return wrong(at, "the text in quotes has an escape that CEL does not know")
                        .help("write `\\\\` for a backslash, or `r\"…\"` for text without escapes");
                }
                wrong(at, format!("`{}` is not CEL", found.escape_debug()))
            }
            _ if ["mismatched input", "extraneous input", "no viable alternative", "missing "]
                .iter()
                .any(|known| message.starts_with(known)) =>
            {
                wrong(at, format!("`{}` is not expected here", found.escape_debug()))
            }
            _ if message.contains("Recursion limit") => {
                Mistake::new("too-complex", at, "the expression nests too deep")
            }
            _ => wrong(at, message.chars().take(200).collect::<String>()),
        }
    }

    /// Returns the byte at a line and a column, both counted from 1, the column in characters.
    fn place(text: &str, (line, column): (isize, isize)) -> usize {
        let line = usize::try_from(line).unwrap_or(1).max(1);
        let column = usize::try_from(column).unwrap_or(1).max(1);
        let begin: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let rest = &text[begin..];
        begin + rest.char_indices().nth(column - 1).map_or(rest.len(), |(at, _)| at)
    }

    /// Returns the end of the word or sign that begins at `begin`.
    fn end_of_word(text: &str, begin: usize) -> usize {
        let rest = &text[begin..];
        let word = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        begin + word.max(rest.chars().next().map_or(0, char::len_utf8))
    }

    struct Converter<'p> {
        text: &'p str,
        places: &'p SourceInfo,
    }

    impl Converter<'_> {
        fn part(&self, part: &IdedExpr, depth: usize) -> Result<Raw, Mistake> {
            let at = self.at(part.id);
            if depth > limits::DEEPEST_TREE {
                return Err(Mistake::new("too-complex", at, "too many operators follow each other")
                    .help("use a list: `x in [a, b, c]`, or split the rule into several"));
            }
            let parts = |parts: &[IdedExpr]| {
                parts.iter().map(|part| self.part(part, depth + 1)).collect::<Result<Vec<_>, _>>()
            };
            let literal =
                |literal| Ok(Raw { begin: at.start, at: at.clone(), kind: RawKind::Literal(literal) });
            match &part.expr {
                Expr::Literal(value) => match value {
                    LiteralValue::Null => literal(Literal::Null),
                    LiteralValue::Boolean(value) => literal(Literal::Bool(*value.inner())),
                    LiteralValue::Int(value) => literal(Literal::Int(*value.inner())),
                    LiteralValue::Double(value) => literal(Literal::Double(*value.inner())),
                    LiteralValue::String(value) => literal(Literal::Text(value.inner().to_owned())),
                    LiteralValue::UInt(_) => {
                        Err(wrong(at, "unsigned numbers are not used here").help("leave out the `u`"))
                    }
                    LiteralValue::Bytes(_) => {
                        Err(wrong(at, "bytes are not used here").help("leave out the `b`"))
                    }
                },
                Expr::Ident(name) => Ok(Raw { begin: at.start, at, kind: RawKind::Name(name.clone()) }),
                Expr::Select(select) => {
                    let operand = self.part(&select.operand, depth + 1)?;
                    let begin = operand.begin;
                    let field = select.field.clone();
                    let at = self.after(at, &field);
                    Ok(Raw { at, begin, kind: RawKind::Select { operand: Box::new(operand), field } })
                }
                Expr::Call(call) => {
                    let target =
                        call.target.as_deref().map(|target| self.part(target, depth + 1)).transpose()?;
                    let arguments = parts(&call.args)?;
                    if let Some(operator) = operator(&call.func_name) {
                        let begin = arguments.first().map_or(at.start, |first| first.begin.min(at.start));
                        let kind = RawKind::Operator { operator, operands: arguments };
                        return Ok(Raw { at, begin, kind });
                    }
                    let at = self.before(at, &call.func_name);
                    let begin = target.as_ref().map_or(at.start, |target| target.begin.min(at.start));
                    let (name, target) = (call.func_name.clone(), target.map(Box::new));
                    Ok(Raw { at, begin, kind: RawKind::Call { name, target, arguments } })
                }
                Expr::List(list) => {
                    let items = parts(&list.elements)?;
                    Ok(Raw { begin: at.start, at, kind: RawKind::List(items) })
                }
                Expr::Map(map) => {
                    let mut entries = Vec::with_capacity(map.entries.len());
                    for entry in &map.entries {
                        let EntryExpr::MapEntry(entry) = &entry.expr else {
                            return Err(wrong(at, "a map needs keys in quotes"));
                        };
                        entries
                            .push((self.part(&entry.key, depth + 1)?, self.part(&entry.value, depth + 1)?));
                    }
                    Ok(Raw { begin: at.start, at, kind: RawKind::Map(entries) })
                }
                Expr::Struct(made) => {
                    let at = self.before(at, &made.type_name);
                    Err(wrong(at, format!("there is no type `{}`", made.type_name))
                        .help("write a map: `{\"key\": value}`"))
                }
                Expr::Comprehension(_) | Expr::Unspecified => Err(wrong(at, "this part can't be read")),
            }
        }

        /// Returns the bytes of a node: the parser gives first and last, the last included.
        fn at(&self, id: u64) -> Range<usize> {
            let (begin, last) = self.places.offset_for(id).unwrap_or((0, 0));
            let begin = self.edge(begin as usize);
            let end = self.edge((last as usize).saturating_add(1));
            begin..end.max(begin)
        }

        /// Returns the nearest place at or after `at` where a character begins.
        fn edge(&self, at: usize) -> usize {
            (at..self.text.len()).find(|at| self.text.is_char_boundary(*at)).unwrap_or(self.text.len())
        }

        /// Returns the place of a field: the parser gives that of the dot before it.
        fn after(&self, dot: Range<usize>, field: &str) -> Range<usize> {
            let begin = self.text[dot.end..].find(field).map_or(dot.start, |at| dot.end + at);
            begin..(begin + field.len()).min(self.text.len())
        }

        /// Returns the place of a function: the parser gives that of the bracket after it.
        fn before(&self, bracket: Range<usize>, name: &str) -> Range<usize> {
            let end = self.text[..bracket.start].trim_end().len();
            match end.checked_sub(name.len()) {
                Some(begin) if self.text.get(begin..end) == Some(name) => begin..end,
                _ => bracket,
            }
        }
    }

    fn operator(name: &str) -> Option<Operator> {
        Some(match name {
            "_&&_" => Operator::And,
            "_||_" => Operator::Or,
            "!_" => Operator::Not,
            "_?_:_" => Operator::Conditional,
            "_==_" => Operator::Equal,
            "_!=_" => Operator::Unequal,
            "_<_" => Operator::Less,
            "_<=_" => Operator::LessOrEqual,
            "_>_" => Operator::Greater,
            "_>=_" => Operator::GreaterOrEqual,
            "_+_" => Operator::Add,
            "_-_" => Operator::Subtract,
            "_*_" => Operator::Multiply,
            "_/_" => Operator::Divide,
            "_%_" => Operator::Remainder,
            "-_" => Operator::Negate,
            "@in" => Operator::In,
            "_[_]" => Operator::Index,
            _ => return None,
        })
    }
}
