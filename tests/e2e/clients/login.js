// A login by node-postgres, from a URI as an application has it. The PG* variables are those
// of libpq.
//
// Prints "current_user NAME", or "refused SQLSTATE" and the message; any other end is a trace.

const { Client, DatabaseError } = require('pg')

const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLROOTCERT } = process.env
const uri = new URL(`postgresql://${PGUSER}:${PGPASSWORD}@${PGHOST}:${PGPORT}/${PGDATABASE}`)
uri.searchParams.set('sslmode', 'verify-full')
uri.searchParams.set('sslrootcert', PGSSLROOTCERT)

async function main() {
  const client = new Client({ connectionString: uri.href })
  try {
    await client.connect()
    const { rows } = await client.query('SELECT current_user AS name')
    console.log('current_user', rows[0].name)
    await client.end()
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    console.log('refused', error.code)
    console.log(`${error.severity}: ${error.message}\nDETAIL: ${error.detail}\nHINT: ${error.hint}`)
  }
}

main()
