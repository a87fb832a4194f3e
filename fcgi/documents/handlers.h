/* handlers.h - the handlers that routes.c names, and what main.c gives them. */
#ifndef FCGI_DOCUMENTS_HANDLERS_H
#define FCGI_DOCUMENTS_HANDLERS_H

#include "fcgi/documents/page.h"
#include "lib/web/web.h"

extern const struct web_route document_routes[];

/* What documents ask of other services: main.c knows how.  Who a patient is: RC_OK also where there is none of that id. */
extern const struct billing_ports documents_ports;
enum rc documents_patient(struct ctx *cx, const char *id, struct document_patient *ret_patient);

web_handler documents_invoice;
web_handler documents_receipt;
web_handler documents_statement;

#endif
