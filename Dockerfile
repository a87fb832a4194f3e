# MediCore's image: every program, the front door and what checks their health.  docker-compose.yml runs it, one service per program.
ARG DEBIAN=debian:bookworm

# The build needs what packages_build of tests/lib/dev/packages.sh has, but for the unit tests' library.
FROM ${DEBIAN} AS build
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	gcc make autoconf automake autoconf-archive pkg-config libc6-dev libfcgi-dev libpq-dev libjson-c-dev \
	libprotobuf-c-dev protobuf-c-compiler protobuf-compiler libgrpc-dev librdkafka-dev libinih-dev libutf8proc-dev \
	libssl-dev libcjose-dev libjansson-dev libcurl4-openssl-dev libsodium-dev libcrypt-dev libpango1.0-dev
COPY . /src
RUN cd /src && autoreconf -fi && mkdir /build && cd /build && \
	/src/configure -q --prefix=/usr --sysconfdir=/etc --localstatedir=/var && make -s -j"$(nproc)" && make -s install-strip DESTDIR=/install

FROM ${DEBIAN}
RUN apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	libfcgi0ldbl libpq5 libjson-c5 libprotobuf-c1 libgrpc29 librdkafka1 libinih1 libutf8proc2 libcjose0 libcurl4 libsodium23 libcrypt1 libssl3 libpangocairo-1.0-0 tzdata \
	fonts-dejavu-core fonts-lohit-deva fonts-droid-fallback \
	spawn-fcgi multiwatch apache2-bin lighttpd lighttpd-mod-openssl openssl curl libfcgi-bin postgresql-client-15 && \
	rm -rf /var/lib/apt/lists/*
COPY container/make-users /usr/libexec/medicore/
RUN /usr/libexec/medicore/make-users
COPY --from=build /install /
COPY httpd /usr/share/medicore/httpd
COPY demo /usr/share/medicore/demo
COPY container/auth-http.conf /usr/share/medicore/
COPY container/front-door container/healthy container/make-secrets /usr/libexec/medicore/
RUN chmod -R u=rwX,go=rX /usr/share/medicore /usr/libexec/medicore
USER medicore
CMD ["medicore", "--help"]
