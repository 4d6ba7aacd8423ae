# Countersign as one static program in an otherwise empty image.
#
#     docker build -t countersign .
#     docker run --rm -p 127.0.0.1:9400:9400 countersign serve --listen 0.0.0.0
#
# An empty image cannot start a partner that needs Node, Python or a shell. To judge such a partner, copy the program
# into the partner's own image: COPY --from=countersign /countersign /usr/local/bin/countersign

FROM rust:1.95-bookworm AS build
WORKDIR /countersign
COPY . .
# Naming the target keeps the flag away from build scripts and macros, which cannot be linked statically.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
    && RUSTFLAGS="-C target-feature=+crt-static" cargo build --profile dist --locked --target "$target" \
    && cp "target/$target/dist/countersign" /countersign/countersign-static \
    && mkdir /empty

FROM scratch
COPY --from=build /countersign/countersign-static /countersign
# Reports and snapshots are written below the working directory, and temporary files below /tmp.
COPY --from=build --chown=65532:65532 /empty /work
COPY --from=build --chown=65532:65532 /empty /tmp
WORKDIR /work
USER 65532:65532
EXPOSE 9400
ENTRYPOINT ["/countersign"]
CMD ["--help"]
