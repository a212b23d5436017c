// An OpenID provider for the tests: oidc-provider over HTTPS, ruled by whoever started it.
//
//   node serve.mjs NODE_MODULES
//
// Standard input and output speak JSON, one message a line. The first message starts it, and
// the end of the input ends it:
//   {"tls": {"cert": PEM, "key": PEM}, "port": 0, "clients": {NAME: ALGORITHM}, "keys": [KEY]}
//       -> {"port": 12345}
//   {"keys": [KEY]}     other signing keys from now on     -> {"keys": 1}
//   {"redirect_uris": [URL]}  where the clients of people's browsers may send them back to
//                                                          -> {"redirect_uris": 1}
//   {"requests": true}  how often each path was asked for, and how many connections came
//                                                -> {"requests": {"/jwks": 2, "connections": 2}}
// KEY is {"kid": "k1", "alg": "RS256", "pkcs8": base64}. The secret of each client and the
// password of each user is "secret"; a client is a user's application, and a service with
// client_credentials. A client "psql" without a secret gets its tokens by the device flow, for
// whoever signs in with whatever name on the pages that it names. In the same way people sign in
// by authorization code and PKCE to "console", which has no secret, "console_secret", which has
// one, and "console_jwt", whose access tokens are JWTs; and "jwt-sso" takes the device flow, the
// authorization code with the way back to any port of 127.0.0.1, and refresh tokens.
import { createPrivateKey } from 'node:crypto';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const { Provider, errors } = await import(
  pathToFileURL(join(process.argv[2], 'oidc-provider/lib/index.js')).href
);

// Its notices would stand between our answers.
console.info = console.error;

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];
const LIFETIME = 12 * 3600; // seconds
const requests = {};
let config;
let issuer;
let answer; // of the provider in force, a request listener
let server;

function privateJwk({ kid, alg, pkcs8 }) {
  const key = createPrivateKey({ key: Buffer.from(pkcs8, 'base64'), format: 'der', type: 'pkcs8' });
  return { ...key.export({ format: 'jwk' }), kid, alg, use: 'sig' };
}

function client(id, algorithm) {
  return {
    client_id: id,
    client_secret: 'secret',
    id_token_signed_response_alg: algorithm,
    grant_types: ['client_credentials', 'password'],
    response_types: [],
    redirect_uris: [],
  };
}

const DEVICE_CLIENT = {
  client_id: 'psql',
  token_endpoint_auth_method: 'none',
  id_token_signed_response_alg: 'ES256',
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
  response_types: [],
  redirect_uris: [],
};

const CONSOLE_CLIENTS = ['console', 'console_secret', 'console_jwt'];

function consoleClient(id) {
  const secret = id === 'console_secret' ? { client_secret: 'secret' } : {};
  return {
    client_id: id,
    ...secret,
    token_endpoint_auth_method: secret.client_secret ? 'client_secret_basic' : 'none',
    id_token_signed_response_alg: 'ES256',
    grant_types: ['authorization_code'],
    response_types: ['code'],
    redirect_uris: config.redirect_uris,
  };
}

// Whose tokens are for the database where they name no resource, as libpq does not.
const FOR_THE_DATABASE = [DEVICE_CLIENT.client_id, 'console_jwt'];

const COMMAND_CLIENT = {
  client_id: 'jwt-sso',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  id_token_signed_response_alg: 'ES256',
  grant_types: [...DEVICE_CLIENT.grant_types, 'authorization_code', 'refresh_token'],
  response_types: ['code'],
  redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'],
};

// A user's ID token without a browser.
async function password(ctx, next) {
  const { client, params } = ctx.oidc;
  if (!params.username || params.password !== 'secret') {
    throw new errors.InvalidGrant('wrong user name or password');
  }
  const token = new ctx.oidc.provider.IdToken({ sub: params.username }, { ctx, client });
  token.scope = 'openid';
  ctx.body = { id_token: await token.issue({ use: 'idtoken' }), expires_in: LIFETIME };
  if (next) await next();
}

function use(keys) {
  const provider = new Provider(issuer, {
    clients: [
      ...Object.entries(config.clients).map(([id, algorithm]) => client(id, algorithm)),
      DEVICE_CLIENT,
      ...(config.redirect_uris ? CONSOLE_CLIENTS.map(consoleClient) : []),
      COMMAND_CLIENT,
    ],
    jwks: { keys: keys.map(privateJwk) },
    enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
    scopes: ['openid', 'offline_access', 'db:connect'],
    ttl: { IdToken: LIFETIME, ClientCredentials: LIFETIME },
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: (ctx, client, oneOf) =>
          oneOf ?? (FOR_THE_DATABASE.includes(client.clientId) ? 'postgres://db' : undefined),
        useGrantedResource: () => true,
        // Each resource is known, and is the audience of its access tokens.
        getResourceServerInfo: (ctx, resource, client) => ({
          scope: 'db:connect',
          audience: resource,
          accessTokenTTL: LIFETIME,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: client.idTokenSignedResponseAlg } },
        }),
      },
    },
  });
  provider.registerGrantType('password', password, ['username', 'password', 'scope']);
  provider.on('server_error', (ctx, error) => console.error(error));
  answer = provider.callback();
}

function listen() {
  return new Promise((resolve, reject) => {
    server = createServer(config.tls, (request, response) => {
      const path = request.url.split('?')[0];
      requests[path] = (requests[path] ?? 0) + 1;
      answer(request, response);
    });
    server.on('connection', () => (requests.connections = (requests.connections ?? 0) + 1));
    server.once('error', reject);
    server.listen(config.port, '127.0.0.1', () => resolve(server.address().port));
  });
}

async function obey(message) {
  if (!config) {
    config = message;
    const port = await listen();
    issuer = `https://localhost:${port}`;
    use(config.keys);
    return { port };
  }
  if (message.keys) {
    config.keys = message.keys;
    use(config.keys);
    return { keys: message.keys.length };
  }
  if (message.redirect_uris) {
    config.redirect_uris = message.redirect_uris;
    use(config.keys);
    return { redirect_uris: message.redirect_uris.length };
  }
  return { requests };
}

for await (const line of createInterface({ input: process.stdin })) {
  try {
    console.log(JSON.stringify(await obey(JSON.parse(line))));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
process.exit(0);
