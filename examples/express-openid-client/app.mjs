// A small site with "Log in with …": express, express-session and openid-client 6, used as their documentation says.
import express from 'express'
import session from 'express-session'
import * as oidc from 'openid-client'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, BASE_URL, PORT } = process.env
for (const name of ['ISSUER', 'CLIENT_ID', 'CLIENT_SECRET', 'BASE_URL', 'PORT']) {
  if (!process.env[name]) {
    console.error(`${name} is not set`)
    process.exit(2)
  }
}
const redirectUri = `${BASE_URL}/callback`
// Where the site speaks https itself: files in PEM.
const { TLS_CERT, TLS_KEY } = process.env

// Discovered at the first login and kept until the process ends.
let discovered
const config = () => {
  discovered ??= oidc
    .discovery(new URL(ISSUER), CLIENT_ID, undefined, oidc.ClientSecretBasic(CLIENT_SECRET), {
      // The mock provider speaks http on loopback; a real one never does.
      execute: [oidc.allowInsecureRequests],
      timeout: 5,
    })
    .catch((error) => {
      discovered = undefined
      throw error
    })
  return discovered
}

const app = express()
app.disable('x-powered-by')
app.use(
  session({
    name: 'sid',
    secret: randomBytes(32).toString('hex'),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: BASE_URL.startsWith('https:') },
  }),
)
app.use((request, response, next) => {
  response.set('cache-control', 'no-store')
  next()
})

const escaped = (text) =>
  String(text).replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c])

const page = (title, content) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title><h1>${escaped(title)}</h1>${content}</html>`

const regenerate = (request) =>
  new Promise((resolve, reject) => request.session.regenerate((error) => (error ? reject(error) : resolve())))

// Only paths of this site, by the eyes of a browser.
const ownPath = (target) => {
  if (typeof target !== 'string' || !target.startsWith('/')) return '/'
  try {
    const url = new URL(target, BASE_URL)
    if (url.origin !== new URL(BASE_URL).origin || url.pathname.startsWith('//')) return '/'
    return url.pathname + url.search
  } catch {
    return '/'
  }
}

app.get('/healthz', (request, response) => response.json({ ready: true }))

app.get('/', (request, response) => {
  const user = request.session.user
  if (!user) return response.send(page('Welcome', '<p><a href="/login">Log in</a></p>'))
  const rows = ['name', 'email', 'picture']
    .filter((field) => typeof user[field] === 'string')
    .map((field) => `<dt>${field}</dt><dd>${escaped(user[field])}</dd>`)
  const logout = '<form method="post" action="/logout"><button>Log out</button></form>'
  response.send(page('Your account', `<dl>${rows.join('')}</dl>${logout}`))
})

app.get('/me', (request, response) => {
  const user = request.session.user
  if (!user) return response.status(401).json({ error: 'nobody is signed in' })
  response.json({ ...user, account: user.sub })
})

app.get('/login', async (request, response) => {
  const verifier = oidc.randomPKCECodeVerifier()
  const state = oidc.randomState()
  const nonce = oidc.randomNonce()
  const client = await config()
  request.session.login = { verifier, state, nonce, returnTo: ownPath(request.query.return_to) }
  const target = oidc.buildAuthorizationUrl(client, {
    redirect_uri: redirectUri,
    scope: 'openid profile email',
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  })
  response.redirect(target.href)
})

app.get('/callback', async (request, response) => {
  const login = request.session.login
  if (!login) {
    if (request.session.user) return response.redirect('/')
    return response.status(400).send(page('That did not work', '<p>No login was begun here. <a href="/login">Log in</a></p>'))
  }
  // One use: whatever comes of it, the next answer needs a new login.
  delete request.session.login
  let tokens
  let info
  try {
    const client = await config()
    tokens = await oidc.authorizationCodeGrant(client, new URL(request.originalUrl, BASE_URL), {
      pkceCodeVerifier: login.verifier,
      expectedState: login.state,
      expectedNonce: login.nonce,
      idTokenExpected: true,
    })
    info = await oidc.fetchUserInfo(client, tokens.access_token, tokens.claims().sub)
  } catch (error) {
    console.error('login failed:', error.code ?? error.name)
    return response.status(400).send(page('That did not work', '<p>Nobody was signed in. <a href="/login">Try again</a></p>'))
  }
  const { sub, name, email, picture } = info
  await regenerate(request)
  request.session.user = { sub, name, email, picture }
  response.redirect(login.returnTo)
})

app.post('/logout', (request, response, next) => {
  request.session.destroy((error) => {
    if (error) return next(error)
    response.clearCookie('sid').redirect('/')
  })
})

// Express calls this with whatever a handler threw, the provider being away among it.
app.use((error, request, response, next) => {
  if (response.headersSent) return next(error)
  console.error('failed:', error.code ?? error.name)
  response.status(502).send(page('That did not work', '<p>The provider cannot be used at the moment.</p>'))
})

const server = TLS_CERT ? createServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }, app) : app
server.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${BASE_URL}`))
