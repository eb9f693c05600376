// A standard client of OpenID Connect that is not ours: each line of standard input is a wish in JSON, each line of standard
// output its outcome.
import { createInterface } from 'node:readline'
import * as oidc from 'openid-client'

const { issuer, redirectUri } = JSON.parse(process.env.OIDC_CLIENT)
const publicClient = await oidc.discovery(new URL(issuer), 'borealis-cli', undefined, oidc.None())
let login

const shown = (tokens) => ({ ...tokens, claims: tokens.claims?.() })
const wishes = {
  metadata: () => publicClient.serverMetadata(),
  async begin({ scope }) {
    login = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() }
    const address = oidc.buildAuthorizationUrl(publicClient, {
      redirect_uri: redirectUri, scope, state: login.state, nonce: login.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(login.verifier), code_challenge_method: 'S256',
    })
    return { address: address.href }
  },
  async finish({ address }) {
    return shown(await oidc.authorizationCodeGrant(publicClient, new URL(address), {
      pkceCodeVerifier: login.verifier, expectedState: login.state, expectedNonce: login.nonce, idTokenExpected: true,
    }))
  },
  refresh: async ({ token, tenant }) =>
    shown(await oidc.refreshTokenGrant(publicClient, token, tenant ? { requestedEnvId: tenant } : {})),
  userinfo: async ({ token, subject }) => oidc.fetchUserInfo(publicClient, token, subject),
  async revoke({ token }) {
    await oidc.tokenRevocation(publicClient, token)
    return {}
  },
  async device({ scope }) {
    login = await oidc.initiateDeviceAuthorization(publicClient, { scope })
    return login
  },
  poll: async () => shown(await oidc.pollDeviceAuthorizationGrant(publicClient, login)),
  async machine({ id, secret, way }) {
    const auth = way === 'basic' ? oidc.ClientSecretBasic(secret) : oidc.ClientSecretPost(secret)
    return oidc.clientCredentialsGrant(await oidc.discovery(new URL(issuer), id, undefined, auth))
  },
  exchange: async ({ token }) =>
    oidc.genericGrantRequest(publicClient, 'urn:ietf:params:oauth:grant-type:token-exchange', {
      subject_token: token, subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
    }),
}

for await (const line of createInterface({ input: process.stdin })) {
  const { wish, ...given } = JSON.parse(line)
  try {
    console.log(JSON.stringify({ outcome: await wishes[wish](given) }))
  } catch (error) {
    console.log(JSON.stringify({ error: error.error ?? error.code ?? String(error), text: String(error.cause ?? error) }))
  }
}
