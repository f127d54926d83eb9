// A real OpenID provider (oidc-provider) for tests, on 127.0.0.1: node server.mjs '{"port": …, "clients": […], …}'
import Provider from "oidc-provider";
import { generateKeyPair, exportJWK } from "jose";

const said = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${said.port}`;
const people = said.people;
const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const key = { ...(await exportJWK(privateKey)), use: "sig", alg: "RS256", kid: said.kid };

const provider = new Provider(issuer, {
  clients: said.clients,
  jwks: { keys: [key] },
  cookies: { keys: ["only for tests"] },
  claims: { openid: ["sub"], profile: ["preferred_username", "name", "groups"], email: ["email", "email_verified"] },
  features: { devInteractions: { enabled: true }, backchannelLogout: { enabled: true } },
  // The node of a test listens on this machine, which the provider's own dispatcher does not ask.
  fetch: (url, { dispatcher, ...options }) => fetch(url, options),
  pkce: { required: () => true },
  ttl: { IdToken: 600, AccessToken: 600, AuthorizationCode: 60, Interaction: 600, Session: 600, Grant: 600 },
  async findAccount(_context, id) {
    const claims = people[id];
    return claims && { accountId: id, claims: async () => ({ sub: id, ...claims }) };
  },
});
provider.on("backchannel.error", (_context, error) => console.error("back-channel sign-out", error));
provider.listen(said.port, "127.0.0.1", () => console.log("ready"));
