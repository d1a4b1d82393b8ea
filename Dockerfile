# One image, every role: the command names the role (dist/ingest/main.js, dist/analytics/main.js, dist/api/main.js).
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# The compiler comes as an optional package of its platform, so nothing is left out here. `npm install` is for
# lockfiles made behind a registry that mirrors only some platforms, which `npm ci` refuses (npm/cli#4828).
RUN npm ci --no-audit --no-fund || npm install --no-save --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY setup ./setup
COPY src ./src
RUN npm run build
# What runs: no compiler, no tests, and no embedded ClickHouse (566 MB) beside a server.
RUN npm prune --omit=dev --omit=optional --no-audit --no-fund

FROM node:22-bookworm-slim
# The heap: garbage would otherwise grow with the machine's memory. Raise it where there are more than 100 000 charge points.
ENV NODE_ENV=production NODE_OPTIONS=--max-old-space-size=1024
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY dashboards ./dashboards
COPY LICENSE ./
USER node
ENTRYPOINT ["node", "--enable-source-maps"]
CMD ["dist/cli/main.js", "--help"]
