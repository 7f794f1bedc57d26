FROM denoland/deno:2.9.6 AS build
WORKDIR /build
COPY . .
RUN deno task compile

FROM gcr.io/distroless/cc-debian12:nonroot
LABEL org.opencontainers.image.title="crdb-changefeed-publisher" \
      org.opencontainers.image.description="Publishes a CockroachDB changefeed to RabbitMQ" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /build/dist/crdb-changefeed-publisher /usr/local/bin/crdb-changefeed-publisher
# The user nonroot, as a number: runAsNonRoot of Kubernetes cannot judge a name.
USER 65532:65532
EXPOSE 8001
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["/usr/local/bin/crdb-changefeed-publisher", "health"]
ENTRYPOINT ["/usr/local/bin/crdb-changefeed-publisher"]
