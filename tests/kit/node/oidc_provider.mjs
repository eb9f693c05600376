// An identity provider that is not ours: people log in with any name, and machines get JSON Web Tokens.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { Provider } from 'oidc-provider'

const { issuer, port, callback, certificate, key, people, audience } = JSON.parse(process.env.OIDC_PROVIDER)

const provider = new Provider(issuer, {
  clients: [
    { client_id: 'borealis', client_secret: 'secret-of-borealis', redirect_uris: [callback] },
    {
      client_id: 'ci', client_secret: 'secret-of-ci', redirect_uris: [], response_types: [],
      grant_types: ['client_credentials'],
    },
  ],
  async findAccount(_ctx, id) {
    return { accountId: id, claims: async () => ({ sub: id, ...people[id] }) }
  },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
  scopes: ['openid', 'email', 'profile', 'groups'],
  conformIdTokenClaims: false,
  cookies: { keys: ['one key for tests'] },
  features: {
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: () => ({ scope: 'deploy', audience, accessTokenFormat: 'jwt' }),
    },
  },
})
createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, provider.callback())
  .listen(port, '127.0.0.1', () => console.log('ready'))
