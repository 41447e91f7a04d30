-- Assertions that signed somebody in, until they would have expired anyway: each works once.
create table saml_used_assertions (
  assertion_sha256 bytea primary key,
  expires_at       timestamptz not null
);

-- Somebody whom an assertion has proven, on the way back to the browser in which their sign-in began.
create table saml_arrivals (
  id_sha256  bytea primary key,
  -- The request that was answered; only the browser that holds its cookie may go on.
  request_id text not null,
  person     jsonb not null,
  expires_at timestamptz not null
);
