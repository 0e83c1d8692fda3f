# The same steps as .ci/run, cheapest first.

# Everything that needs no installation.
check: format lint docs test

format:
    cargo fmt --all --check

lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

test:
    cargo test --workspace --locked

# Licences, bans and sources.
deny:
    cargo deny check bans licenses sources

# A reason for each library; needs cargo-vet. The tests say the same.
vet:
    cargo vet --locked --frozen

# What the programs are made of, as CycloneDX; needs cargo-cyclonedx and jq.
sbom:
    packaging/sbom target/sbom

# Two builds in two folders must be the same bytes. Takes two whole builds.
reproducible:
    packaging/reproducible

# Against parts that no one here wrote: Microsoft's libraries, an OAuth server, GNOME Keyring.
real:
    tests/real/run

# A minute of what outsiders can send; longer by `fuzz/run --executions 10000000`.
fuzz:
    fuzz/run --seconds 60

bench:
    cargo bench -p entra-tests
