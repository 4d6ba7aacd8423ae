// What stands behind the page: static files, and a session for whoever shows an access token that the provider gave to this
// very app. No dependencies. The login itself is the page's: see app.js.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const { APP_ID, APP_SECRET, BASE_URL, PORT } = process.env
for (const name of ['APP_ID', 'APP_SECRET', 'BASE_URL', 'PORT']) {
  if (!process.env[name]) {
    console.error(`${name} is not set`)
    process.exit(2)
  }
}
// The real addresses, where nothing else is said.
const SDK = process.env.SDK_URL ?? 'https://connect.facebook.net/en_US/sdk.js'
const GRAPH = process.env.GRAPH_URL ?? 'https://graph.facebook.com'

const file = (name) => readFileSync(new URL(name, import.meta.url))
const index = file('index.html').toString('utf8').replace('%SDK%', SDK)
const script = file('app.js')
const sessions = new Map()

const mac = (text) => createHmac('sha256', APP_SECRET).update(text).digest()
const same = (one, other) => one.length === other.length && timingSafeEqual(one, other)
const text = (value) => (typeof value === 'string' ? value : undefined)

const graph = async (path, query) => {
  const url = `${GRAPH}/v19.0/${path}?${new URLSearchParams(query)}`
  const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(5000) })
  const told = await answer.json()
  if (!answer.ok || !told || told.error) throw new Error(`${path}: ${told?.error?.message ?? answer.status}`)
  return told
}

// The payload of a signed_request: the signature is over the text as it came.
const opened = (sealed) => {
  const [signature, payload, ...more] = sealed.split('.')
  if (!payload || more.length > 0) throw new Error('no signed_request')
  if (!same(Buffer.from(signature, 'base64url'), mac(payload))) throw new Error('this app did not sign it')
  const told = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
  if (String(told.algorithm).toUpperCase() !== 'HMAC-SHA256') throw new Error('another algorithm')
  return told
}

// Who a token is about, if the provider gave it to this app. The token of another app opens the same profile, and so the
// profile proves nothing.
const person = async (token, sealed) => {
  const { data } = await graph('debug_token', { input_token: token, access_token: `${APP_ID}|${APP_SECRET}` })
  if (data?.is_valid !== true) throw new Error('the token is not valid')
  if (String(data.app_id) !== APP_ID) throw new Error('the token is of another app')
  if (!text(data.user_id)) throw new Error('the token is about nobody')
  if (sealed && opened(sealed).user_id !== data.user_id) throw new Error('token and signed_request are of two people')
  const appsecret_proof = mac(token).toString('hex')
  const profile = await graph('me', { fields: 'id,name,email', access_token: token, appsecret_proof })
  if (profile.id !== data.user_id) throw new Error('the profile is of somebody else')
  return { sub: profile.id, name: text(profile.name), email: text(profile.email) }
}

const read = async (request) => {
  let body = ''
  for await (const piece of request) {
    body += piece
    if (body.length > 100_000) throw new Error('too large')
  }
  return new URLSearchParams(body)
}

const cookie = (request) => /(?:^|;\s*)sid=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]

const answer = (response, status, body = '', headers = {}) => {
  const kind = typeof body === 'object' && !Buffer.isBuffer(body) ? 'application/json' : 'text/html; charset=utf-8'
  const bytes = kind === 'application/json' ? JSON.stringify(body) : body
  response.writeHead(status, { 'content-type': kind, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', ...headers })
  response.end(bytes)
}

const signIn = async (request, response) => {
  // A page of another site cannot sign anybody in here: the origin is the browser's word.
  const origin = request.headers.origin
  if (origin !== undefined && origin !== new URL(BASE_URL).origin) return answer(response, 403, { error: 'not from here' })
  let user
  try {
    const form = await read(request)
    const token = form.get('access_token')
    if (!token) throw new Error('no token')
    user = await person(token, form.get('signed_request'))
  } catch (error) {
    console.error('login failed:', error.message)
    return answer(response, 400, { error: 'nobody was signed in' })
  }
  sessions.delete(cookie(request))
  const id = randomBytes(32).toString('base64url')
  sessions.set(id, user)
  return answer(response, 200, { ok: true }, { 'set-cookie': `sid=${id}; Path=/; HttpOnly; SameSite=Lax` })
}

// The person removed the app at the provider: what is signed in for her ends.
const deauthorize = async (request, response) => {
  let told
  try {
    told = opened((await read(request)).get('signed_request') ?? '')
  } catch (error) {
    console.error('deauthorize refused:', error.message)
    return answer(response, 400, { error: 'not from the provider' })
  }
  for (const [id, user] of sessions) if (user.sub === told.user_id) sessions.delete(id)
  return answer(response, 200, { ok: true })
}

const routes = {
  'GET /healthz': (request, response) => answer(response, 200, { ready: true }),
  'GET /config.json': (request, response) => answer(response, 200, { appId: APP_ID }),
  'GET /app.js': (request, response) => answer(response, 200, script, { 'content-type': 'text/javascript' }),
  'GET /': (request, response) => answer(response, 200, index),
  'GET /me': (request, response) => {
    const user = sessions.get(cookie(request))
    if (!user) return answer(response, 401, { error: 'nobody is signed in' })
    return answer(response, 200, { ...user, account: user.sub })
  },
  'POST /session': signIn,
  'POST /deauthorize': deauthorize,
  'POST /logout': (request, response) => {
    sessions.delete(cookie(request))
    answer(response, 303, '', { location: '/', 'set-cookie': 'sid=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0' })
  },
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
