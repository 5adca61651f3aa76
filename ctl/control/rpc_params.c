/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call's parameters, checked against the method's table. Called by rpc.c and methods_*.c, on
 * the control thread.
 */
#include "rpc_params.h"

#include <stdio.h>
#include <string.h>

const char *rpc_kind(const json_t *value)
{
	if (!value)
		return "nothing";
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "an integer";
	case JSON_REAL:
		return "a number with a fraction";
	case JSON_TRUE:
	case JSON_FALSE:
		return "a boolean";
	case JSON_NULL:
		break;
	}
	return "null";
}

const char *rpc_type_name(enum rpc_type type)
{
	switch (type) {
	case RPC_STRING:
		return "string";
	case RPC_INTEGER:
		return "integer";
	case RPC_BOOLEAN:
		return "boolean";
	case RPC_OBJECT:
		return "object";
	case RPC_OBJECTS:
		break;
	}
	return "array of objects";
}

static const char *article(enum rpc_type type)
{
	return type == RPC_STRING || type == RPC_BOOLEAN ? "a" : "an";
}

static bool is_of_type(const json_t *value, enum rpc_type type)
{
	switch (type) {
	case RPC_STRING:
		return json_is_string(value);
	case RPC_INTEGER:
		return json_is_integer(value);
	case RPC_BOOLEAN:
		return json_is_boolean(value);
	case RPC_OBJECT:
		return json_is_object(value);
	case RPC_OBJECTS:
		break;
	}
	return json_is_array(value);
}

/* "service, name, address" */
static void list_names(const struct rpc_param *table, char *buf, size_t buf_bytes)
{
	size_t length = 0;

	snprintf(buf, buf_bytes, "no parameters");
	for (; table->name && length < buf_bytes; table++)
		length += (size_t)snprintf(buf + length, buf_bytes - length, "%s%s",
					   length ? ", " : "", table->name);
}

static bool check_unknown(struct rpc_call *call, json_t *object, const struct rpc_param *table,
			  const char *place)
{
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		const struct rpc_param *param = table;
		char names[256];

		while (param->name && strcmp(param->name, key) != 0)
			param++;
		if (param->name)
			continue;
		list_names(table, names, sizeof(names));
		rpc_refuse(call, RPC_PARAMS, "%s: unknown parameter \"%s%.64s\"; it takes %s",
			   call->method->name, place, key, names);
		return false;
	}
	return true;
}

static bool check_object(struct rpc_call *call, json_t *object, const struct rpc_param *table,
			 const char *place);

static bool check_objects(struct rpc_call *call, json_t *array, const struct rpc_param *param)
{
	size_t i;
	json_t *object;

	json_array_foreach (array, i, object) {
		char place[RPC_PLACE_MAX];

		if (!json_is_object(object)) {
			rpc_refuse(call, RPC_PARAMS,
				   "%s: parameter \"%s[%zu]\" must be an object, not %s",
				   call->method->name, param->name, i, rpc_kind(object));
			return false;
		}
		snprintf(place, sizeof(place), "%s[%zu].", param->name, i);
		if (!check_object(call, object, param->fields, place))
			return false;
	}
	return true;
}

/* Tables are nested by one level only: the recursion ends there. */
static bool check_object(struct rpc_call *call, json_t *object, const struct rpc_param *table,
			 const char *place)
{
	if (!check_unknown(call, object, table, place))
		return false;
	for (const struct rpc_param *param = table; param->name; param++) {
		json_t *value = json_object_get(object, param->name);

		if (!value && !param->required)
			continue;
		if (!value) {
			rpc_refuse(call, RPC_PARAMS, "%s: parameter \"%s%s\" is missing (%s %s)",
				   call->method->name, place, param->name, article(param->type),
				   rpc_type_name(param->type));
			return false;
		}
		if (!is_of_type(value, param->type)) {
			rpc_refuse(call, RPC_PARAMS, "%s: parameter \"%s%s\" must be %s %s, not %s",
				   call->method->name, place, param->name, article(param->type),
				   rpc_type_name(param->type), rpc_kind(value));
			return false;
		}
		if (param->type == RPC_OBJECTS && !check_objects(call, value, param))
			return false;
	}
	return true;
}

bool rpc_params_check(struct rpc_call *call)
{
	return check_object(call, call->params, call->method->params, "");
}

const char *rpc_string(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

bool rpc_flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

bool rpc_integer(struct rpc_call *call, const json_t *object, const char *place, const char *name,
		 uint32_t min, uint32_t max, uint32_t *out)
{
	const json_t *value = json_object_get(object, name);
	json_int_t integer = json_integer_value(value);

	if (!value)
		return true;
	if (integer < min || integer > max) {
		rpc_refuse(call, RPC_INVALID, "%s%s: %lld is not in %u-%u", place, name,
			   (long long)integer, min, max);
		return false;
	}
	*out = (uint32_t)integer;
	return true;
}
