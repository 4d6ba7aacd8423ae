// A small site with "Log in with Facebook": express, express-session and passport-facebook 3, used as their documentation
// says. Of the module only the three addresses of the provider are other than by default.
import express from 'express'
import session from 'express-session'
import passport from 'passport'
import FacebookStrategy from 'passport-facebook'
import { randomBytes } from 'node:crypto'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, BASE_URL, PORT } = process.env
for (const name of ['ISSUER', 'CLIENT_ID', 'CLIENT_SECRET', 'BASE_URL', 'PORT']) {
  if (!process.env[name]) {
    console.error(`${name} is not set`)
    process.exit(2)
  }
}

passport.use(
  new FacebookStrategy(
    {
      // The paths are the module's own; the hosts of Facebook are below the provider's address.
      authorizationURL: `${ISSUER}/www/v3.2/dialog/oauth`,
      tokenURL: `${ISSUER}/graph/v3.2/oauth/access_token`,
      profileURL: `${ISSUER}/graph/v3.2/me`,
      clientID: CLIENT_ID,
      clientSecret: CLIENT_SECRET,
      callbackURL: `${BASE_URL}/callback`,
      profileFields: ['id', 'displayName', 'emails'],
    },
    (accessToken, refreshToken, profile, done) =>
      done(null, { id: profile.id, name: profile.displayName, email: profile.emails?.[0]?.value }),
  ),
)
passport.serializeUser((user, done) => done(null, user))
passport.deserializeUser((user, done) => done(null, user))

const app = express()
app.disable('x-powered-by')
app.use((request, response, next) => {
  response.set('cache-control', 'no-store')
  next()
})
app.get('/healthz', (request, response) => response.json({ ready: true }))
app.use(
  session({
    name: 'sid',
    secret: randomBytes(32).toString('hex'),
    resave: false,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: BASE_URL.startsWith('https:') },
  }),
)
app.use(passport.session())

const escaped = (text) =>
  String(text).replace(/[&<>"']/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[c])

const page = (title, content) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escaped(title)}</title><h1>${escaped(title)}</h1>${content}</html>`

app.get('/', (request, response) => {
  if (!request.user) return response.send(page('Welcome', '<p><a href="/login">Log in</a></p>'))
  const rows = ['name', 'email']
    .filter((field) => typeof request.user[field] === 'string')
    .map((field) => `<dt>${field}</dt><dd>${escaped(request.user[field])}</dd>`)
  const logout = '<form method="post" action="/logout"><button>Log out</button></form>'
  response.send(page('Your account', `<dl>${rows.join('')}</dl>${logout}`))
})

app.get('/me', (request, response) => {
  if (!request.user) return response.status(401).json({ error: 'nobody is signed in' })
  response.json({ ...request.user, account: request.user.id })
})

app.get('/login', passport.authenticate('facebook', { scope: ['public_profile', 'email'] }))

app.get('/callback', passport.authenticate('facebook', { successRedirect: '/', failureRedirect: '/failed' }))

app.get('/failed', (request, response) => {
  response.status(400).send(page('That did not work', '<p>Nobody was signed in. <a href="/login">Try again</a></p>'))
})

app.post('/logout', (request, response, next) => {
  request.logout((error) => (error ? next(error) : response.redirect('/')))
})

// Express calls this with whatever a handler threw: the module's errors, what the provider says against a code among them.
app.use((error, request, response, next) => {
  if (response.headersSent) return next(error)
  console.error('login failed:', error.name, error.code ?? '')
  response.status(400).send(page('That did not work', '<p>Nobody was signed in. <a href="/login">Try again</a></p>'))
})

app.listen(Number(PORT), '127.0.0.1', () => console.log(`listening on ${BASE_URL}`))
