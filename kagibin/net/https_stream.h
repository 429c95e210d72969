// SPDX-License-Identifier: Apache-2.0
// The names of Asio and Beast that both ends of HTTPS use. For http_server.cc and http_client.cc
// only: other units never see Beast (25 s of compile time each).
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "kagibin/delivery/http_port.h"

namespace kagibin::net {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using delivery::HttpMethod;
using delivery::HttpRequest;
using delivery::HttpResponse;

using Stream = beast::ssl_stream<beast::tcp_stream>;

}  // namespace kagibin::net
