// A pool of node-postgres: three connections, each with a fresh token.
//
// Prints "connected ROLE JTI" for each, or "refused SQLSTATE" and the message.

const { DatabaseError } = require('pg')

// clients.md begins
const { execFile } = require('node:child_process')
const { promisify } = require('node:util')
const { Pool } = require('pg')

async function token() {
  const { stdout } = await promisify(execFile)('jwt-sso', ['token', 'orders'])
  return stdout.trim()
}

// PGHOST, PGUSER and PGDATABASE say where. A `connectionString` would win over `password`.
const pool = new Pool({ password: token, ssl: true })
// clients.md ends

async function main() {
  const clients = []
  for (let i = 0; i < 3; i++) {
    try {
      clients.push(await pool.connect())
      const query = "SELECT concat_ws(' ', current_user, jwt_sso.claim('jti')) AS who"
      console.log('connected', (await clients.at(-1).query(query)).rows[0].who)
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      console.log('refused', error.code)
      console.log(`${error.message}\nDETAIL: ${error.detail}\nHINT: ${error.hint}`)
    }
  }
  for (const client of clients) client.release()
  await pool.end()
}

main()
