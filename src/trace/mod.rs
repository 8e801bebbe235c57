//! Traces of runs for OpenTelemetry: each run a trace, sent over OTLP as JSON beside the run and never in its way.

mod export;
mod span;
mod tracer;

pub use export::Endpoint;
pub use export::EndpointError;
pub use export::Exporter;
pub use export::Lost;
pub use export::Queue;
pub use span::Span;
pub use span::request;
pub use tracer::RunTracer;
pub use tracer::Tracer;
