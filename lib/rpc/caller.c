/* caller.c - who calls: what the connection says of its other end. */
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <strings.h>

#include "lib/rpc/internal.h"
#include "lib/rpc/peer.h"

static const char *
address_of(struct rpc_call *call)
{
	char *peer = grpc_call_get_peer(call->core);
	const char *address = peer_address(call->cx.arena, peer);

	gpr_free(peer);
	return address;
}

/* The common name of the certificate by which a TLS peer was let in. */
static enum rc
take_name(struct rpc_call *call, const grpc_auth_context *peer)
{
	grpc_auth_property_iterator i =
	    grpc_auth_context_find_properties_by_name(peer, GRPC_X509_CN_PROPERTY_NAME);
	const grpc_auth_property *name = grpc_auth_property_iterator_next(&i);

	if (name == NULL || !peer_name_valid(name->value, name->value_length))
		return err_set(&call->cx, RC_UNAUTHENTICATED,
		    "The certificate's common name must be 1 to 64 letters, digits, '.', '_' or '-'");
	call->cx.account = arena_strndup(call->cx.arena, name->value, name->value_length);
	return RC_OK;
}

/* None is asked for, but one that is there has to be good. */
static enum rc
take_token(struct rpc_call *call)
{
	const struct rpc_options *options = &call->server->options;
	const char *value = rpc_metadata(call, "authorization");
	enum rc rc = RC_UNAUTHENTICATED;

	if (value == NULL)
		return RC_OK;
	if (strncasecmp(value, "Bearer ", 7) == 0 && options->authenticate != NULL)
		rc = options->authenticate(&call->cx, value + 7);
	if (rc == RC_UNAUTHENTICATED)
		return err_set(&call->cx, rc, "Invalid or expired token");
	return rc;
}

enum rc
caller_take(struct rpc_call *call)
{
	grpc_auth_context *peer = grpc_call_auth_context(call->core);
	enum rc rc = RC_OK;

	call->cx.address = address_of(call);
	/* On loopback there is a context too, which authenticates nobody. */
	if (peer != NULL && grpc_auth_context_peer_is_authenticated(peer) != 0)
		rc = take_name(call, peer);
	grpc_auth_context_release(peer);
	return rc == RC_OK ? take_token(call) : rc;
}
