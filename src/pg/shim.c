/*
 * Accessors over server structures whose layout only the server's own headers
 * know: Port, HbaLine, ClientConnectionInfo, config_generic.  pgrx's Port is
 * wrong on PostgreSQL 17, and HbaLine has no binding at all.
 *
 * Every function reads or does one thing, so that the Rust side can state its
 * contract in one sentence.
 */
#include "postgres.h"

/*
 * The headers of these libraries are not needed for what is read here, and
 * leaving them out does not move any member that is: gss is a pointer either
 * way, and the members that USE_OPENSSL adds stand at the end.
 */
#undef ENABLE_GSS
#undef ENABLE_SSPI
#undef USE_OPENSSL

#include "access/parallel.h"
#include "common/ip.h"
#include "libpq/auth.h"
#include "libpq/hba.h"
#include "libpq/libpq.h"
#include "libpq/libpq-be.h"
#if PG_VERSION_NUM >= 180000
#include "libpq/oauth.h"
#endif
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/postmaster.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/lwlock.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/* the server's own bound, a private constant before 18 (auth.c) */
#define MAX_TOKEN_MESSAGE 65535

/* ---- the connection ---- */

const char *
jwt_sso_port_user(const Port *port)
{
	return port->user_name;
}

const char *
jwt_sso_port_remote_host(const Port *port)
{
	return port->remote_host;
}

bool
jwt_sso_port_is_unix(const Port *port)
{
	return port->raddr.addr.ss_family == AF_UNIX;
}

bool
jwt_sso_port_is_tls(const Port *port)
{
	return port->ssl_in_use;
}

/* Only before the first command: the HBA line is freed when the session begins. */
bool
jwt_sso_port_is_trust(const Port *port)
{
	return port->hba != NULL && port->hba->auth_method == uaTrust;
}

/* As above. */
bool
jwt_sso_port_is_pam(const Port *port)
{
	return port->hba != NULL && port->hba->auth_method == uaPAM;
}

/* As above.  NULL where the line names none, and core takes its own. */
const char *
jwt_sso_port_pam_service(const Port *port)
{
	return port->hba != NULL ? port->hba->pamservice : NULL;
}

/*
 * The connection of this process while its client authenticates, when it still
 * has its HBA line; NULL before, afterwards and elsewhere.
 */
Port *
jwt_sso_authenticating_port(void)
{
	return ClientAuthInProgress ? MyProcPort : NULL;
}

/*
 * As set_authn_id does it, which is static in auth.c before 18: the log line of
 * log_connections included.  PostgreSQL 15 keeps the identity in Port, later
 * majors in MyClientConnectionInfo.
 */
void
jwt_sso_port_set_identity(Port *port, const char *identity)
{
#if PG_VERSION_NUM >= 180000
	if (MyClientConnectionInfo.authn_id == NULL)
		set_authn_id(port, identity);
#else
	const char *file;

#if PG_VERSION_NUM >= 160000
	file = port->hba->sourcefile;
	if (MyClientConnectionInfo.authn_id != NULL)
		return;
	MyClientConnectionInfo.authn_id = MemoryContextStrdup(TopMemoryContext, identity);
	MyClientConnectionInfo.auth_method = port->hba->auth_method;
#else
	file = HbaFileName;
	if (port->authn_id != NULL)
		return;
	port->authn_id = MemoryContextStrdup(TopMemoryContext, identity);
#endif
	if (Log_connections)
		ereport(LOG,
				errmsg("connection authenticated: identity=\"%s\" method=%s (%s:%d)",
					   identity, hba_authname(port->hba->auth_method),
					   file, port->hba->linenumber));
#endif
}

/* ---- the password packet ---- */

enum
{
	PACKET_RECEIVED = 0,
	PACKET_CLIENT_GONE = 1,
	PACKET_UNEXPECTED = 2
};

/*
 * AuthenticationCleartextPassword, then one message, as recv_password_packet
 * (static in auth.c) does it.  On PACKET_RECEIVED the body is in *buf, which
 * the caller wipes and frees.
 */
int
jwt_sso_ask_password(Port *port, StringInfo buf)
{
	int			type;

	sendAuthRequest(port, AUTH_REQ_PASSWORD, NULL, 0);

	pq_startmsgread();
	type = pq_getbyte();
	if (type == EOF)
		return PACKET_CLIENT_GONE;
	if (type != 'p')
		return PACKET_UNEXPECTED;

	initStringInfo(buf);
	if (pq_getmessage(buf, MAX_TOKEN_MESSAGE))
	{
		/* too long or cut off; pq_getmessage logged which (COMMERROR) */
		explicit_bzero(buf->data, buf->maxlen);
		pfree(buf->data);
		return PACKET_CLIENT_GONE;
	}
	return PACKET_RECEIVED;
}

/* ---- the OAuth validator ---- */

#if PG_VERSION_NUM >= 180000

const char *
jwt_sso_port_oauth_issuer(const Port *port)
{
	return port->hba != NULL ? port->hba->oauth_issuer : NULL;
}

bool
jwt_sso_port_oauth_delegates_mapping(const Port *port)
{
	return port->hba != NULL && port->hba->oauth_skip_usermap;
}

bool
jwt_sso_port_usermap_allows(const Port *port, const char *identity)
{
	return port->hba != NULL &&
		check_usermap(port->hba->usermap, port->user_name, identity, false) == STATUS_OK;
}

static bool (*decide_token) (const char *token, char **identity);

/*
 * A refusal is an answer, not a failure of the validator, so this is always
 * true.  The server frees the identity.
 */
static bool
validate_token(const ValidatorModuleState *state, const char *token, const char *role,
			   ValidatorModuleResult *result)
{
	result->authorized = decide_token(token, &result->authn_id);
	return true;
}

const OAuthValidatorCallbacks *
jwt_sso_oauth_callbacks(bool (*decide) (const char *token, char **identity))
{
	static const OAuthValidatorCallbacks callbacks = {
		.magic = PG_OAUTH_VALIDATOR_MAGIC,
		.validate_cb = validate_token,
	};

	decide_token = decide;
	return &callbacks;
}

#endif							/* PG_VERSION_NUM >= 180000 */

/* ---- messages ---- */

/* An empty hint is none. */
void
jwt_sso_report(int level, int sqlstate, const char *message, const char *detail, const char *hint)
{
	ereport(level,
			(errcode(sqlstate),
			 errmsg_internal("%s", message),
			 detail[0] ? errdetail_internal("%s", detail) : 0,
			 hint[0] ? errhint("%s", hint) : 0,
			 errhidestmt(true),
			 errhidecontext(true)));
}

/* For check hooks: what core then says at the level that it chooses. */
void
jwt_sso_guc_refuse(const char *message, const char *detail, const char *hint)
{
	GUC_check_errmsg("%s", message);
	GUC_check_errdetail("%s", detail);
	if (hint[0])
		GUC_check_errhint("%s", hint);
}

/*
 * Calls a function whose argument is a token, which may stand in the text of the
 * statement that runs.  What is logged meanwhile goes without STATEMENT and
 * CONTEXT, also where it ends the statement or the process.  Afterwards the
 * stack of contexts is as the caller had it: who pops it takes for granted that
 * it is the one that he pushed to.  So is the statement, but for one that stays
 * hidden to its end, should it fail later: only where few may call the function,
 * since triggers and the log miss it.
 */
Datum
jwt_sso_call_hidden(PGFunction function, FunctionCallInfo fcinfo, bool stays_hidden)
{
	const char *statement = debug_query_string;
	Datum		result;

	PG_TRY();
	{
		debug_query_string = NULL;
		error_context_stack = NULL;
		result = function(fcinfo);
	}
	PG_CATCH();
	{
		if (!stays_hidden)
			debug_query_string = statement;
		errhidestmt(true);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (!stays_hidden)
		debug_query_string = statement;
	return result;
}

/* ---- settings ---- */

static struct config_generic **
all_settings(int *count)
{
#if PG_VERSION_NUM >= 160000
	return get_guc_variables(count);
#else
	*count = GetNumConfigOptions();
	return get_guc_variables();
#endif
}

/* Names are compared as the server does, without regard to case. */
static struct config_generic *
find_setting(const char *name)
{
#if PG_VERSION_NUM >= 160000
	return find_option(name, false, true, 0);
#else
	int			count;
	struct config_generic **all = all_settings(&count);

	for (int i = 0; i < count; i++)
		if (pg_strcasecmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
#endif
}

/* Appends the name and a newline, where there is room. */
static void
append_name(char *names, int size, const char *name)
{
	int			used = strlen(names);

	if (used + strlen(name) + 2 <= (size_t) size)
		snprintf(names + used, size - used, "%s\n", name);
}

/*
 * The settings of that prefix which somebody gave and nobody defined: the
 * placeholders that are left after the definitions, at start.
 */
void
jwt_sso_undefined_placeholders(const char *prefix, char *names, int size)
{
	int			count;
	struct config_generic **all = all_settings(&count);

	names[0] = '\0';
	for (int i = 0; i < count; i++)
		if ((all[i]->flags & GUC_CUSTOM_PLACEHOLDER) != 0 &&
			pg_strncasecmp(all[i]->name, prefix, strlen(prefix)) == 0)
			append_name(names, size, all[i]->name);
#if PG_VERSION_NUM >= 160000
	pfree(all);
#endif
}

/*
 * The same at a reload, when the server drops such a name without asking
 * anybody: the configuration files are parsed once more.  May be called in a
 * check hook, since the server has parsed them all before it calls the first.
 */
void
jwt_sso_undefined_in_files(const char *prefix, char *names, int size)
{
	ConfigVariable *head = NULL;
	ConfigVariable *tail = NULL;

	names[0] = '\0';
	(void) ParseConfigFile(ConfigFileName, true, NULL, 0, 0, DEBUG5, &head, &tail);
	(void) ParseConfigFile(PG_AUTOCONF_FILENAME, false, NULL, 0, 0, DEBUG5, &head, &tail);
	for (ConfigVariable *item = head; item != NULL; item = item->next)
	{
		struct config_generic *setting;

		if (item->name == NULL ||
			pg_strncasecmp(item->name, prefix, strlen(prefix)) != 0)
			continue;
		/* A prefix is reserved in its own case only: JWT_SSO.x is a placeholder. */
		setting = find_setting(item->name);
		if (setting == NULL || (setting->flags & GUC_CUSTOM_PLACEHOLDER) != 0)
			append_name(names, size, item->name);
	}
	FreeConfigVariables(head);
}

/* Valid only while ProcessConfigFile runs, that is, in a check hook. */
bool
jwt_sso_setting_in_file(const char *name)
{
	struct config_generic *setting = find_setting(name);

	return setting != NULL && (setting->status & GUC_IS_IN_FILE) != 0;
}

/* Whether the value in force came from a configuration file. */
bool
jwt_sso_setting_from_file(const char *name)
{
	struct config_generic *setting = find_setting(name);

	return setting != NULL && setting->source == PGC_S_FILE;
}

/* The end of the last reload; the same throughout one reload's check hooks. */
int64
jwt_sso_reload_time(void)
{
	return (int64) PgReloadTime;
}

/* ---- the process ---- */

enum
{
	PROCESS_POSTMASTER = 0,		/* or a single-user server */
	PROCESS_SESSION = 1,		/* may run ALTER SYSTEM */
	PROCESS_OTHER = 2			/* auxiliary process or parallel worker */
};

int
jwt_sso_process(void)
{
	if (!IsUnderPostmaster)
		return PROCESS_POSTMASTER;
	if (IsParallelWorker() || InitializingParallelWorker)
		return PROCESS_OTHER;
	switch (MyBackendType)
	{
		case B_BACKEND:
		case B_WAL_SENDER:
		case B_BG_WORKER:
			return PROCESS_SESSION;
		default:
			return PROCESS_OTHER;
	}
}

/*
 * Whether a statement runs, as opposed to a reload between two of them.  A
 * walsender that streams has its command's text all along, and reloads in the
 * middle of it.
 */
bool
jwt_sso_in_statement(void)
{
	bool		streaming = MyWalSnd != NULL && MyWalSnd->state != WALSNDSTATE_STARTUP;

	return debug_query_string != NULL && !streaming;
}

/* Which of the server's processes this is: an index into ProcGlobal->allProcs. */
int
jwt_sso_proc_number(void)
{
#if PG_VERSION_NUM >= 170000
	return MyProcNumber;
#else
	return MyProc->pgprocno;
#endif
}

/*
 * Whether that process waits for its client's next command, with no transaction
 * open.  The first alone would be true for a COPY that waits for data, the
 * second between two transactions of a VACUUM.  Reads two words, unlocked.
 */
bool
jwt_sso_proc_is_idle(int number)
{
	PGPROC	   *proc;
	LocalTransactionId lxid;

	if (number < 0 || (uint32) number >= ProcGlobal->allProcCount)
		return false;
	proc = &ProcGlobal->allProcs[number];
#if PG_VERSION_NUM >= 170000
	lxid = proc->vxid.lxid;
#else
	lxid = proc->lxid;
#endif
	return lxid == InvalidLocalTransactionId && proc->wait_event_info == WAIT_EVENT_CLIENT_READ;
}

/* Whether text for this process's client or log is UTF-8, or passed as it is. */
bool
jwt_sso_speaks_utf8(void)
{
	int			encoding = GetDatabaseEncoding();

	return encoding == PG_UTF8 || encoding == PG_SQL_ASCII;
}

/* AddinShmemInitLock is a macro over an array that moves between majors. */
LWLock *
jwt_sso_addin_lock(void)
{
	return AddinShmemInitLock;
}

/*
 * Has the postmaster look after its background workers.  PostgreSQL 15 computes
 * how long to sleep before it unblocks signals: the end of a worker that comes
 * in between is dealt with, but the time of its restart is slept through, up to
 * a minute, unless something else wakes the postmaster.
 */
void
jwt_sso_remind_postmaster(void)
{
	SendPostmasterSignal(PMSIGNAL_BACKGROUND_WORKER_CHANGE);
}
