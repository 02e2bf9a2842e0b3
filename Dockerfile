# Built for the machine that builds it; static binaries in images with nothing else.
#   docker build --target frontier .      docker build --target frontlas .
FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package frontier --package frontlas \
    && cp target/release/frontier target/release/frontlas /

FROM gcr.io/distroless/static-debian12:nonroot AS frontlas
COPY --from=build /frontlas /usr/bin/frontlas
COPY etc/frontlas.yaml /etc/frontlas/frontlas.yaml
EXPOSE 40011 40012
ENTRYPOINT ["/usr/bin/frontlas"]
CMD ["--config", "/etc/frontlas/frontlas.yaml"]

FROM gcr.io/distroless/static-debian12:nonroot AS frontier
COPY --from=build /frontier /usr/bin/frontier
COPY etc/frontier.yaml /etc/frontier/frontier.yaml
EXPOSE 30011 30012
ENTRYPOINT ["/usr/bin/frontier"]
CMD ["--config", "/etc/frontier/frontier.yaml"]
