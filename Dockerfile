# Static binaries, built for the machine that builds them, in images with nothing else.
#   docker build --target frontier .      docker build --target frontlas .      docker build --target frontctl .
#   docker build --target broker .        docker build --target demo .
# And the program for batch jobs as a file, for nodes without containers: docker build --target frontier-send --output . .
FROM rust:1.95-alpine AS build
# aws-lc and mimalloc are C: a compiler, the C library, and <linux/random.h>, without which aws-lc takes getentropy().
# The bindings of aws-lc come with it and its assembly is generated already, so neither CMake, Perl, Go nor Clang.
RUN apk add --no-cache gcc musl-dev linux-headers
WORKDIR /src
COPY . .
RUN cargo build --profile dist --locked --package frontier --package frontlas --package frontier-broker --package frontctl \
      --package frontier-send --package frontier-demo \
    && cd target/dist && cp frontier frontlas broker frontctl frontier-send frontier-demo /

FROM gcr.io/distroless/static-debian12:nonroot AS demo
COPY --from=build /frontier-demo /usr/bin/frontier-demo
ENTRYPOINT ["/usr/bin/frontier-demo"]

FROM scratch AS frontier-send
COPY --from=build /frontier-send /frontier-send

FROM gcr.io/distroless/static-debian12:nonroot AS frontctl
COPY --from=build /frontctl /usr/bin/frontctl
ENTRYPOINT ["/usr/bin/frontctl"]

FROM gcr.io/distroless/static-debian12:nonroot AS frontlas
COPY --from=build /frontlas /usr/bin/frontlas
COPY etc/frontlas.yaml /etc/frontlas/frontlas.yaml
# Both listen on 127.0.0.1 until a configuration says who may connect from elsewhere: docs/access.md.
EXPOSE 40011 40012
ENTRYPOINT ["/usr/bin/frontlas"]
CMD ["--config", "/etc/frontlas/frontlas.yaml"]

FROM gcr.io/distroless/static-debian12:nonroot AS broker
COPY --from=build /broker /usr/bin/broker
COPY etc/broker.yaml /etc/broker/broker.yaml
EXPOSE 30020
ENTRYPOINT ["/usr/bin/broker"]
CMD ["--config", "/etc/broker/broker.yaml"]

# The last one, which is built where no target is named.
FROM gcr.io/distroless/static-debian12:nonroot AS frontier
COPY --from=build /frontier /usr/bin/frontier
COPY etc/frontier.yaml /etc/frontier/frontier.yaml
EXPOSE 30010 30011 30012
ENTRYPOINT ["/usr/bin/frontier"]
CMD ["--config", "/etc/frontier/frontier.yaml"]
