//! How much longer runs take than the least time that there is: two hundred drawn plans, where the tests take a dozen.
//!
//! Prints the median, the 95th of 100 and the longest, as parts of the lower bound, and fails if one of the first two misses its bar.

#![expect(clippy::print_stdout, reason = "the figures are what the program is for")]

#[expect(dead_code, reason = "tests use more of it")]
#[path = "../tests/suite/estate.rs"]
mod estate;
#[path = "../tests/suite/schedule/mod.rs"]
mod schedule;

fn main() {
    println!("{}", schedule::look_at(1_000..1_200));
}
