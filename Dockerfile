# syntax=docker/dockerfile:1
# Builds and serves the app: docker build -t llm-studio . && docker run -p 3000:3000 -v studio:/data llm-studio

FROM rust:1.95-bookworm AS build
COPY --from=node:22-bookworm-slim /usr/local/bin/node /usr/local/bin/node
COPY --from=node:22-bookworm-slim /usr/local/lib/node_modules /usr/local/lib/node_modules
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
# The tools first, because they change less often than the sources.
COPY package.json package-lock.json .npmrc ./
COPY scripts/tools.sh scripts/
RUN scripts/tools.sh
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    node scripts/build.mjs \
    && mkdir -p /app/target && cp -r target/site /app/target/ \
    && cp target/release/llm-studio target/release/hash.txt Leptos.toml /app/

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /data studio \
    && install -d -o studio /data
WORKDIR /app
COPY --from=build /app /app
ENV LEPTOS_SITE_ADDR=0.0.0.0:3000 STUDIO_DATA=/data
USER studio
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=3s --start-period=5s CMD curl --fail --silent http://127.0.0.1:${PORT:-3000}/healthz
ENTRYPOINT ["/app/llm-studio"]
CMD ["serve"]
