# The program in an image of its own: `docker build -t failback .`, then docs/install.md.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /source
# SQLite and ring are built from C.
RUN apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cargo build --locked --release --bin failback

FROM debian:bookworm-slim
# git: drills that run from a commit; ca-certificates: Azure and vCenter; tzdata: schedules in their time zones.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates git tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --user-group --home-dir /var/lib/failback --create-home failback
COPY --from=build /source/target/release/failback /usr/local/bin/failback
COPY LICENSE-APACHE LICENSE-MIT /usr/local/share/doc/failback/
USER 10001:10001
# Plans are mounted at /plans, runs and drills are kept in the volume.
WORKDIR /plans
VOLUME /var/lib/failback
ENTRYPOINT ["failback"]
CMD ["--help"]
