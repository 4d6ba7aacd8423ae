// The login of a public client in the browser: authorization code with PKCE, state and nonce, tokens by fetch.
const at = (id) => document.getElementById(id)
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)))
const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

const getJson = async (url, options = {}) => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(10_000), ...options })
  if (!answer.ok) throw new Error(`status ${answer.status}`)
  return answer.json()
}

const say = (title, text = '') => {
  at('title').textContent = title
  at('say').textContent = text
}

const discover = async (config) => {
  const metadata = await getJson(`${config.issuer}/.well-known/openid-configuration`)
  if (metadata.issuer !== config.issuer) throw new Error('another issuer')
  return metadata
}

const begin = async (config) => {
  const metadata = await discover(config)
  const login = { verifier: random(), state: random(), nonce: random() }
  const challenge = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(login.verifier))
  const url = new URL(metadata.authorization_endpoint)
  const parameters = {
    response_type: 'code',
    client_id: config.clientId,
    redirect_uri: config.redirectUri,
    scope: 'openid profile email',
    state: login.state,
    nonce: login.nonce,
    code_challenge: base64url(challenge),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  sessionStorage.setItem('login', JSON.stringify(login))
  location.assign(url)
}

const finish = async (config) => {
  const answer = new URLSearchParams(location.search)
  const login = JSON.parse(sessionStorage.getItem('login') ?? 'null')
  // One use: whatever comes of it, the next answer needs a new login. The code does not stay in the address.
  sessionStorage.removeItem('login')
  history.replaceState(null, '', '/callback')
  if (!login) throw new Error('no login was begun here')
  if ([...answer.keys()].some((name) => answer.getAll(name).length > 1)) throw new Error('a parameter stands twice')
  if (answer.get('state') !== login.state) throw new Error('the answer to another login')
  const metadata = await discover(config)
  const iss = answer.get('iss')
  if (iss === null ? metadata.authorization_response_iss_parameter_supported : iss !== config.issuer) {
    throw new Error('the answer of another provider')
  }
  if (answer.has('error') || !answer.get('code')) throw new Error('the provider refused')
  const tokens = await getJson(metadata.token_endpoint, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: answer.get('code'),
      redirect_uri: config.redirectUri,
      client_id: config.clientId,
      code_verifier: login.verifier,
    }),
  })
  if (String(tokens.token_type).toLowerCase() !== 'bearer') throw new Error('no bearer token')
  await getJson('/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id_token: tokens.id_token, access_token: tokens.access_token, nonce: login.nonce }),
  })
  location.replace('/')
}

const home = async () => {
  const answer = await fetch('/me')
  if (!answer.ok) {
    at('login').hidden = false
    return say('Welcome')
  }
  const user = await answer.json()
  say('Your account')
  at('logout').hidden = false
  for (const field of ['name', 'email', 'picture'].filter((field) => user[field])) {
    const [term, detail] = [document.createElement('dt'), document.createElement('dd')]
    term.textContent = field
    detail.textContent = user[field]
    at('who').append(term, detail)
  }
}

try {
  const config = await getJson('/config.json')
  if (location.pathname === '/login') await begin(config)
  else if (location.pathname === '/callback') await finish(config)
  else await home()
} catch (error) {
  console.error(error.message)
  at('login').hidden = false
  say('That did not work', 'Nobody was signed in.')
}
