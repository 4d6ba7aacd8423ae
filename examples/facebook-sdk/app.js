// The page of a partner that uses the JavaScript SDK: FB.login, and what comes of it goes to the partner's own server, which
// alone decides who that is. Nothing that stands in this page is believed there.
const at = (id) => document.getElementById(id)

const say = (title, text = '') => {
  at('title').textContent = title
  at('say').textContent = text
}

const getJson = async (url, options = {}) => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(20_000), ...options })
  if (!answer.ok) throw new Error(`status ${answer.status}`)
  return answer.json()
}

// A session at our server for whoever the provider's answer is about.
const enter = async ({ authResponse }) => {
  if (!authResponse) return say('That did not work', 'Nobody was signed in.')
  const body = new URLSearchParams({
    access_token: authResponse.accessToken,
    signed_request: authResponse.signedRequest,
  })
  await getJson('/session', { method: 'POST', body })
  location.replace('/')
}

const failed = (error) => {
  console.error(error.message)
  say('That did not work', 'Nobody was signed in.')
}

window.fbAsyncInit = async () => {
  const { appId } = await getJson('/config.json')
  FB.init({ appId, version: 'v19.0', cookie: false, xfbml: false, localStorage: false })
  // Only now can the button open the pop-up: browsers allow that to a press of a button alone.
  at('login').addEventListener('submit', (event) => {
    event.preventDefault()
    FB.login((response) => enter(response).catch(failed), { scope: 'email' })
  })
  at('login').hidden = at('who').children.length > 0
}

const home = async () => {
  const answer = await fetch('/me')
  const user = await answer.json()
  if (!answer.ok) return say('Welcome')
  say('Your account')
  at('login').hidden = true
  at('logout').hidden = false
  for (const field of ['name', 'email'].filter((field) => user[field])) {
    const [term, detail] = [document.createElement('dt'), document.createElement('dd')]
    term.textContent = field
    detail.textContent = user[field]
    at('who').append(term, detail)
  }
}

home().catch(failed)
