# One static binary on an empty base: docs/decisions/0002-base-image-scratch.md
# BUILD_FROM is what the binary is built in, and build.yaml repeats it: docs/decisions/0003-build-yaml-retained.md
ARG BUILD_FROM=library/rust:1-slim-bookworm

FROM ${BUILD_FROM} AS builder
WORKDIR /src
COPY Cargo.toml Cargo.lock askama.toml ./
COPY src ./src
# Without --target, crt-static would also be applied to build scripts and macros, which cannot be built with it.
RUN host=$(rustc -vV | sed -n 's/^host: //p') \
    && RUSTFLAGS='-C target-feature=+crt-static' \
       cargo build --release --locked --no-default-features --bin camera-herald --target "$host" \
    && install -D "target/$host/release/camera-herald" /image/usr/bin/camera-herald \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt
COPY addon/rootfs /image

FROM scratch
ARG BUILD_VERSION
ARG BUILD_ARCH
LABEL io.hass.type="app" \
      io.hass.name="Camera Herald" \
      io.hass.description="Every camera of your home as a Home Assistant device, with a status that is true" \
      io.hass.version="${BUILD_VERSION}" \
      io.hass.arch="${BUILD_ARCH}" \
      org.opencontainers.image.title="Camera Herald" \
      org.opencontainers.image.licenses="Apache-2.0"
# Pictures are large and short-lived: with glibc's own settings they would leave six times the memory behind (docs/decisions/0009).
ENV MALLOC_MMAP_THRESHOLD_=65536 MALLOC_ARENA_MAX=2
# Root inside the container: the Supervisor writes /data/options.json with mode 0600.
COPY --from=builder /image /
# A short --start-interval would say it better, but engines older than Docker 25 refuse the file because of it.
# The Supervisor waits for the first healthy answer, so the interval is half of Docker's default.
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["/usr/bin/camera-herald", "healthcheck"]
ENTRYPOINT ["/usr/bin/camera-herald"]
CMD ["run"]
