//! Pictures of plans and runs as text: what `graph` prints, what reports hold and what pages show is drawn here once.

mod axis;
mod canvas;
mod crowd;
mod gantt;
mod graph;
mod layout;
mod mermaid;
mod row;
mod summed;
mod trend;

pub use gantt::Window;
pub use gantt::gantt;
pub use graph::Colour;
pub use graph::graph;
pub use mermaid::mermaid;
pub use trend::TrendPoint;
pub use trend::trend;
