//! A compiled expression: every name bound, every type known as far as it can be.

use std::ops::Range;

use regex::Regex;

use crate::rules::policy::read::Key;
use crate::rules::policy::types::Type;
use crate::rules::policy::value::Value;

/// A part of a compiled expression.
#[derive(Debug)]
pub(super) struct Node {
    /// Bytes of the expression's text that name the part.
    pub at: Range<usize>,
    /// First byte of the whole part.
    pub begin: usize,
    pub kind: NodeKind,
}

#[derive(Debug)]
pub(super) enum NodeKind {
    Constant(Value<'static>),
    Root(Root),
    /// A name that a macro gives to the items of a list, by its place on the stack.
    Variable(usize),
    /// The value at the end of some keys.
    Read {
        base: Box<Node>,
        keys: Vec<Key>,
        ty: Type,
    },
    /// Whether the key at the end is written.
    Has {
        base: Box<Node>,
        keys: Vec<Key>,
        ty: Type,
    },
    And(Box<[Node; 2]>),
    Or(Box<[Node; 2]>),
    Not(Box<Node>),
    Conditional(Box<[Node; 3]>),
    Equal {
        operands: Box<[Node; 2]>,
        negated: bool,
    },
    Order {
        order: Order,
        operands: Box<[Node; 2]>,
    },
    Arithmetic {
        operation: Arithmetic,
        operands: Box<[Node; 2]>,
    },
    Negate(Box<Node>),
    In(Box<[Node; 2]>),
    Index(Box<[Node; 2]>),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Call {
        function: Function,
        arguments: Vec<Node>,
    },
    Matches {
        text: Box<Node>,
        pattern: Regex,
    },
    Each {
        what: Each,
        list: Box<Node>,
        body: Box<Node>,
        kept: Option<Box<Node>>,
    },
}

/// What an expression may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    Plan,
    Inventory,
    Machine,
    Group,
    Machines,
    Groups,
    Now,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// A macro: what is asked about the items of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Each {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

/// A function of expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    LowerAscii,
    UpperAscii,
    Int,
    Double,
    String,
    Timestamp,
    Duration,
    Vcenter,
    Host,
    Datastore,
    MasterTarget,
    ProcessServer,
    Appliance,
}
