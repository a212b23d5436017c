// A pool of postgres.js: three connections, each with a fresh token.
//
// Prints "connected ROLE JTI" for each, or "refused SQLSTATE" and the message.

// clients.md begins
const { execFile } = require('node:child_process')
const { promisify } = require('node:util')
const postgres = require('postgres')

async function token() {
  const { stdout } = await promisify(execFile)('jwt-sso', ['token', 'orders'])
  return stdout.trim()
}

const sql = postgres(process.env.DATABASE_URL, { password: token, ssl: 'verify-full' })
// clients.md ends

async function main() {
  const reserved = []
  for (let i = 0; i < 3; i++) {
    try {
      reserved.push(await sql.reserve())
      const query = reserved.at(-1)`SELECT concat_ws(' ', current_user, jwt_sso.claim('jti')) AS who`
      console.log('connected', (await query)[0].who)
    } catch (error) {
      if (!(error instanceof postgres.PostgresError)) throw error
      console.log('refused', error.code)
      console.log(`${error.message}\nDETAIL: ${error.detail}\nHINT: ${error.hint}`)
    }
  }
  for (const connection of reserved) connection.release()
  await sql.end()
}

main()
