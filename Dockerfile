# docker build -t crdb-changefeed-publisher .
# To pin both images: --build-arg DENO_IMAGE=denoland/deno:2.9.6@sha256:… --build-arg BASE_IMAGE=…:nonroot@sha256:…
ARG DENO_IMAGE=denoland/deno:2.9.6
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${DENO_IMAGE} AS build
WORKDIR /build
COPY . .
# Not the task, which first fetches every package, those of the tests too.
RUN deno run -A tests/support/compile.ts

FROM ${BASE_IMAGE}
ARG BASE_IMAGE
ARG VERSION=1.0.0-alpha.1
ARG REVISION=unknown
LABEL org.opencontainers.image.title="crdb-changefeed-publisher" \
      org.opencontainers.image.description="Streams the row changes of CockroachDB tables into RabbitMQ" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"
COPY --from=build /build/dist/crdb-changefeed-publisher /usr/local/bin/crdb-changefeed-publisher
# The user nonroot, as a number: runAsNonRoot of Kubernetes cannot judge a name.
USER 65532:65532
EXPOSE 8001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["/usr/local/bin/crdb-changefeed-publisher", "health"]
ENTRYPOINT ["/usr/local/bin/crdb-changefeed-publisher"]
