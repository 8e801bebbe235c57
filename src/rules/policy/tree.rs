//! An expression as it is written: shape and places, no meaning.

use std::ops::Range;

/// A part of an expression.
#[derive(Debug)]
pub(super) struct Raw {
    /// Bytes of the expression's text that name the part: an identifier, an operator, a field.
    pub at: Range<usize>,
    /// First byte of the whole part, operands included.
    pub begin: usize,
    /// What it is.
    pub kind: RawKind,
}

#[derive(Debug)]
pub(super) enum RawKind {
    Literal(Literal),
    Name(String),
    Select { operand: Box<Raw>, field: String },
    Operator { operator: Operator, operands: Vec<Raw> },
    Call { name: String, target: Option<Box<Raw>>, arguments: Vec<Raw> },
    List(Vec<Raw>),
    Map(Vec<(Raw, Raw)>),
}

/// A value that is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

/// An operator of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    And,
    Or,
    Not,
    Conditional,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Negate,
    In,
    Index,
}

impl Operator {
    /// Returns the operator as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::And => "&&",
            Self::Or => "||",
            Self::Not => "!",
            Self::Conditional => "? :",
            Self::Equal => "==",
            Self::Unequal => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Add => "+",
            Self::Subtract | Self::Negate => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::In => "in",
            Self::Index => "[]",
        }
    }
}

/// What is wrong with an expression, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub code: &'static str,
    pub at: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

impl Mistake {
    pub fn new(code: &'static str, at: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, at, message: message.into(), help: None }
    }

    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
