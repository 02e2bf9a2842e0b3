# Built for the machine that builds it; a static binary in an image with nothing else.
FROM rust:1.95-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package frontier \
    && cp target/release/frontier /frontier

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /frontier /usr/bin/frontier
COPY etc/frontier.yaml /etc/frontier/frontier.yaml
EXPOSE 30011 30012
ENTRYPOINT ["/usr/bin/frontier"]
CMD ["--config", "/etc/frontier/frontier.yaml"]
