// What stands behind the page: static files, and a session for whoever shows a fresh ID token of its own login. No
// dependencies. The login itself (PKCE, state, nonce, the token request) is the page's: see app.js.
import { createHash, createPublicKey, randomBytes, timingSafeEqual, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { ISSUER, CLIENT_ID, BASE_URL, PORT } = process.env
for (const name of ['ISSUER', 'CLIENT_ID', 'BASE_URL', 'PORT']) {
  if (!process.env[name]) {
    console.error(`${name} is not set`)
    process.exit(2)
  }
}

const file = (name) => readFileSync(new URL(name, import.meta.url))
const index = file('index.html')
const script = file('app.js')
const sessions = new Map()

const getJson = async (url, headers = {}) => {
  const answer = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(5000) })
  if (!answer.ok) throw new Error(`status ${answer.status}`)
  return answer.json()
}

// Read at the first login and kept until the process ends; keys are read again when an unknown one signs.
let metadata
let keys = []
const discover = async () => {
  if (!metadata) {
    const found = await getJson(`${ISSUER}/.well-known/openid-configuration`)
    if (found.issuer !== ISSUER) throw new Error('another issuer')
    metadata = found
  }
  return metadata
}
const usable = (key, kid) =>
  key.kty === 'RSA' && (key.use ?? 'sig') === 'sig' && (key.alg ?? 'RS256') === 'RS256' && (!kid || key.kid === kid)
const keysFor = async (kid) => {
  if (!keys.some((key) => usable(key, kid))) {
    const set = await getJson((await discover()).jwks_uri)
    if (!Array.isArray(set.keys)) throw new Error('no keys')
    keys = set.keys.filter((key) => key && typeof key === 'object')
  }
  return keys.filter((key) => usable(key, kid))
}

const part = (text) => {
  if (!/^[\w-]+$/.test(text)) throw new Error('not base64url')
  const json = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'))
  if (!json || typeof json !== 'object' || Array.isArray(json)) throw new Error('not an object')
  return json
}

// OpenID Connect Core 1.0, 3.1.3.7.
const validated = async (token, nonce) => {
  const parts = token.split('.')
  if (parts.length !== 3) throw new Error('not a signed token')
  const header = part(parts[0])
  const claims = part(parts[1])
  if (header.alg !== 'RS256' || 'crit' in header) throw new Error('another algorithm')
  const signed = Buffer.from(`${parts[0]}.${parts[1]}`)
  const signature = Buffer.from(parts[2], 'base64url')
  const candidates = await keysFor(header.kid)
  const good = (jwk) => verify('RSA-SHA256', signed, createPublicKey({ key: jwk, format: 'jwk' }), signature)
  if (!candidates.some(good)) throw new Error('no key of the provider signed it')
  const audience = [claims.aud].flat()
  if (claims.iss !== ISSUER) throw new Error('another issuer')
  if (!audience.includes(CLIENT_ID)) throw new Error('for another client')
  if (audience.length > 1 && claims.azp === undefined) throw new Error('several audiences and no azp')
  if (claims.azp !== undefined && claims.azp !== CLIENT_ID) throw new Error('for another party')
  const now = Date.now() / 1000
  if (!Number.isFinite(claims.exp) || claims.exp <= now) throw new Error('expired')
  if (!Number.isFinite(claims.iat) || claims.iat > now + 60) throw new Error('not yet issued')
  if (claims.nbf !== undefined && !(claims.nbf <= now + 60)) throw new Error('not yet valid')
  if (typeof claims.nonce !== 'string' || claims.nonce !== nonce) throw new Error('another login')
  if (typeof claims.sub !== 'string' || claims.sub === '' || claims.sub.length > 255) throw new Error('no subject')
  return claims
}

const belongs = (claims, accessToken) => {
  if (claims.at_hash === undefined) return
  const half = createHash('sha256').update(accessToken).digest().subarray(0, 16)
  const told = Buffer.from(String(claims.at_hash), 'base64url')
  if (told.length !== half.length || !timingSafeEqual(told, half)) throw new Error('another access token')
}

const read = async (request) => {
  let body = ''
  for await (const piece of request) {
    body += piece
    if (body.length > 100_000) throw new Error('too large')
  }
  return body
}

const cookie = (request) => /(?:^|;\s*)sid=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
const text = (value) => (typeof value === 'string' ? value : undefined)

const answer = (response, status, body = '', headers = {}) => {
  const kind = typeof body === 'object' && !Buffer.isBuffer(body) ? 'application/json' : 'text/html; charset=utf-8'
  const bytes = kind === 'application/json' ? JSON.stringify(body) : body
  response.writeHead(status, {
    'content-type': kind,
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': `default-src 'none'; script-src 'self'; connect-src 'self' ${new URL(ISSUER).origin}; form-action 'self'; frame-ancestors 'none'`,
    ...headers,
  })
  response.end(bytes)
}

const signIn = async (request, response) => {
  // A script of another site cannot send this: the origin is the browser's word.
  if (request.headers.origin !== new URL(BASE_URL).origin) return answer(response, 403, { error: 'not from here' })
  let claims
  let info
  try {
    const { id_token: idToken, access_token: accessToken, nonce } = JSON.parse(await read(request))
    if (![idToken, accessToken, nonce].every((value) => typeof value === 'string' && value)) throw new Error('incomplete')
    claims = await validated(idToken, nonce)
    belongs(claims, accessToken)
    info = await getJson((await discover()).userinfo_endpoint, { authorization: `Bearer ${accessToken}` })
    if (info.sub !== claims.sub) throw new Error('userinfo is about somebody else')
  } catch (error) {
    console.error('login failed:', error.message)
    return answer(response, 400, { error: 'nobody was signed in' })
  }
  sessions.delete(cookie(request))
  const id = randomBytes(32).toString('base64url')
  sessions.set(id, { sub: claims.sub, name: text(info.name), email: text(info.email), picture: text(info.picture) })
  return answer(response, 200, { ok: true }, { 'set-cookie': `sid=${id}; Path=/; HttpOnly; SameSite=Lax` })
}

const routes = {
  'GET /healthz': (request, response) => answer(response, 200, { ready: true }),
  'GET /config.json': (request, response) =>
    answer(response, 200, { issuer: ISSUER, clientId: CLIENT_ID, redirectUri: `${BASE_URL}/callback` }),
  'GET /app.js': (request, response) => answer(response, 200, script, { 'content-type': 'text/javascript' }),
  'GET /me': (request, response) => {
    const user = sessions.get(cookie(request))
    if (!user) return answer(response, 401, { error: 'nobody is signed in' })
    return answer(response, 200, { ...user, account: user.sub })
  },
  'POST /session': signIn,
  'POST /logout': (request, response) => {
    sessions.delete(cookie(request))
    answer(response, 303, '', { location: '/', 'set-cookie': 'sid=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0' })
  },
}
for (const path of ['/', '/login', '/callback']) {
  routes[`GET ${path}`] = (request, response) => answer(response, 200, index)
}

createServer((request, response) => {
  const path = request.url.split('?')[0]
  const route = routes[`${request.method} ${path}`]
  if (!route) return answer(response, 404, 'There is nothing here.')
  Promise.resolve(route(request, response)).catch((error) => {
    console.error(error.message)
    if (!response.headersSent) answer(response, 500, 'Something went wrong.')
  })
}).listen(Number(PORT), '127.0.0.1')
